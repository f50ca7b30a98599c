/** What every program needs of its surroundings: its own package, files written whole, progress, interruption, child environments. */
export { fileError, isSpecial, readText, writeWhole } from "./files.js";
export { Interrupt } from "./interrupt.js";
export { interrupted } from "./interrupted.js";
export { Progress, progressText } from "./progress.js";
export { runInEnvironment } from "./run-in-environment.js";
export { packageRoot, packageVersion } from "./version.js";
