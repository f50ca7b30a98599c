/** The model store: fetches published weights, checks them and converts checkpoints. Prints nothing. */

export { proxyFor } from "../net/index.js";
export { importCheckpoint, type ModelPrecision } from "./convert.js";
export { type GraspImportOptions, importGraspNetwork } from "./convert-grasp.js";
export { copyChecked, type DownloadOptions, download } from "./download.js";
export {
  defaultModel,
  findGraspNetwork,
  findModel,
  freeFolder,
  type InstalledModel,
  listGraspNetworks,
  listModels,
  sizeOf,
  userModelFolder,
  weightsPath,
} from "./find.js";
export { setUpGpu } from "./gpu/setup.js";
export { gpuWheels } from "./gpu/wheels.js";
export { installedHubModel } from "./hub/install.js";
export { type KnownHubModel, knownHubModels } from "./hub/known.js";
export { type PullSummary, pullFromFolder, pullFromHub } from "./hub/pull.js";
export { hubEndpoint, hubToken } from "./hub/token.js";
export { type KnownWeights, knownWeights } from "./known.js";
export { pythonFor, runLines } from "./python.js";
