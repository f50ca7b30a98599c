/** The program and its surroundings: its package, complete files, progress, interruption and child environments. */
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
export { boundConnections } from "./connections.js";
export { decodeText, fileError, isSpecial, readText, writeWhole } from "./files.js";
export { Interrupt, interrupted } from "./interrupt.js";
export { Progress } from "./progress.js";
export { allocatorEnvironment, runInEnvironment } from "./run-in-environment.js";
export { clearSegmentsCommand, staleSegments } from "./shared-memory.js";
export { stopRequest } from "./stop-request.js";
export { packageRoot, packageVersion } from "./version.js";
