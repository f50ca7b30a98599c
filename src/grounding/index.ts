/** Query + image -> masks and boxes: the HiFi-CS engine, its model folders, tokenizer, preprocessing and instances. */
export { minImageSide, resizeBilinear, resizeImage, toTensor } from "../inference/index.js";
export { BoxProposals } from "./boxes/proposals.js";
export {
  type Certainty,
  type ClosestPixel,
  type ClosestPlace,
  certainties,
  certaintyOf,
  closestPixel,
  closestPlace,
} from "./certainty.js";
export { type Candidates, instancesFromCandidates } from "./hifics/candidates.js";
export { HifiCs, type HifiCsOptions } from "./hifics/hifics.js";
export { type InstanceOptions, instancesFromHeatmap } from "./hifics/instances.js";
export {
  hashFile,
  type Manifest,
  manifestFiles,
  manifestSchema,
  modelFiles,
  readManifest,
  verifyFiles,
} from "./hifics/manifest.js";
export { readManifestFile } from "./hifics/manifest-file.js";
export { parseNpy, readNpy } from "./hifics/npy.js";
export { compareLogits, runModel, runSelfTest, type SelfTestResult } from "./hifics/self-test.js";
export { TextTokenizer } from "./hifics/tokenizer.js";
export {
  type HubFamily,
  type HubManifest,
  type HubRole,
  hubFamilies,
  isHubManifest,
  type ModelManifest,
  modelManifestFiles,
  openHubModel,
  readHubManifest,
  readModelManifest,
  requiredRoles,
  verifyModel,
} from "./hub/manifest.js";
export { nameAt, namesAt, type PlaceName, vocabulary } from "./names.js";
export { openDetector, openModel, servedModel } from "./open.js";
export {
  askPolicies,
  CommandGrounder,
  type CommandGrounderOptions,
  cleanQuery,
  describeCommand,
  identifyLanguage,
  isPlainQuery,
  isStopOrder,
  type LanguageGuess,
  languageName,
  maxQueryLength,
  parseCommand,
  readReply,
  type Translate,
} from "./query/index.js";
export type {
  Act,
  Command,
  Count,
  Destination,
  Offer,
  Question,
  Reference,
  Relation,
  RelationKind,
  Shift,
  Target,
} from "./query/types.js";
export { RefinedGrounder } from "./refine/refined.js";
export { Sam } from "./refine/sam.js";
export type {
  AskPolicy,
  Detection,
  Effort,
  FoundDestination,
  Grounder,
  Grounding,
  GroundOptions,
  Heatmap,
  QueryLanguage,
  Timings,
} from "./types.js";
export { efforts, maskSources } from "./types.js";
