import { GraspGroundingError } from "../../errors/index.js";

/** The error for images that do not determine the calibration. */
export const refuse = (detail: string, remedy: string) =>
  new GraspGroundingError("CALIBRATION_REFUSED", { detail, remedy });
