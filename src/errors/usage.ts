import { GraspGroundingError } from "./error.js";

/** Wrong usage, in words. */
export const usage = (detail: string): GraspGroundingError => new GraspGroundingError("USAGE", { detail });
