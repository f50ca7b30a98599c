/** Sentence + picture -> masks and boxes: the HiFi-CS engine, its model folders, tokenizer, preprocessing and instances. */
export { minPictureSide, resizeBilinear, resizePicture, toTensor } from "../inference/index.js";
export { HifiCs, type HifiCsOptions } from "./hifics.js";
export { type InstanceOptions, instancesFromHeatmap } from "./instances.js";
export {
  hashFile,
  type Manifest,
  manifestFiles,
  manifestSchema,
  modelFiles,
  readManifest,
  verifyFiles,
} from "./manifest.js";
export { readManifestFile } from "./manifest-file.js";
export { parseNpy, readNpy } from "./npy.js";
export { cleanQuery, maxQueryLength } from "./query.js";
export { compareLogits, runModel, runSelfTest, type SelfTestResult } from "./self-test.js";
export { TextTokenizer } from "./tokenizer.js";
export type { Detection, Grounder, Grounding, Heatmap, Timings } from "./types.js";
