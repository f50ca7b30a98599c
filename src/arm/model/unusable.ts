import { GraspGroundingError } from "../../errors/index.js";

/** The remedy for what urdfdom refuses as well: its own program names the place. */
export const checkUrdf = "check the file with `check_urdf`";

/** A robot description that cannot be used, and what to do about it. */
export const unusable = (detail: string, remedy: string): GraspGroundingError =>
  new GraspGroundingError("ROBOT_DESCRIPTION", { detail, remedy });
