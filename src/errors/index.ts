/** The one error catalogue: codes, messages, remedies, exit codes; imported by every other folder. */
export { type CatalogueEntry, catalogue, type ErrorCode } from "./catalogue.js";
export { asCatalogued, describe, type ErrorDetails, GraspGroundingError } from "./error.js";
