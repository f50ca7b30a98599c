import { GraspGroundingError } from "../../errors/index.js";

/** The error for images that do not determine what is sought. */
export const refuse = (detail: string, remedy: string) =>
  new GraspGroundingError("CALIBRATION_REFUSED", { detail, remedy });
