// The graph that resizes a model's images: node bench/gpu/pixels.mjs MODEL_FOLDER OUT.onnx
import { writeFile } from "node:fs/promises";
import { servedModel } from "../../dist/src/grounding/index.js";
import { pixelsModel } from "../../dist/src/inference/graphs/index.js";

const [folder, out] = process.argv.slice(2);
const { files } = await servedModel(folder);
await writeFile(out, pixelsModel(files.input));
