/**
 * Helpers of every program: its own package, options, files written whole, progress, interruption, child
 * environments.
 */
export {
  imageFile,
  named,
  nonNegative,
  outputFile,
  positive,
  positiveInteger,
  probability,
  wholeNumber,
} from "./arguments.js";
export { decodeText, fileError, isSpecial, readText, writeWhole } from "./files.js";
export { Interrupt, interrupted } from "./interrupt.js";
export { Progress } from "./progress.js";
export { runInEnvironment } from "./run-in-environment.js";
export { packageRoot, packageVersion } from "./version.js";
