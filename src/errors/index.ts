/**
 * The one error catalogue: codes, messages, causes, remedies, exit codes, HTTP statuses, levels; imported by every
 * other folder.
 */
export { catalogue, type ErrorCode, sections } from "./catalogue.js";
export type { CatalogueEntry, DiagnosticLevel } from "./entry.js";
export { asCatalogued, describe, type ErrorDetails, GraspGroundingError, levelOf } from "./error.js";
export { usage } from "./usage.js";
