import { GraspGroundingError } from "../../errors/index.js";

/** A motion that is not carried out; the detail is what the page shows as the reason. */
export const refused = (detail: string): GraspGroundingError =>
  new GraspGroundingError("MOTION_REFUSED", { detail });
