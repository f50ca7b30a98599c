import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of grasps, the arm and its safety. */
export const armErrors = {
  GRASP_NO_DEPTH: entry({
    message: "a grasp needs depth, and the frame has none",
    cause: "a colour-only camera or file",
    remedy: "publish aligned depth or pass --depth and --camera",
    level: "warn",
  }),
  ROBOT_DESCRIPTION: entry({
    message: "the robot description is not usable: {detail}",
    cause:
      "the URDF is not well-formed, lacks the named links and joints, or has a joint that an arm cannot use",
    remedy: "{remedy}",
    httpStatus: 422,
  }),
  ARM_CONFIG: entry({
    message: "the arm's settings are not usable: {detail}",
    cause: "a parameter that contradicts the robot or another parameter",
    remedy: "correct the parameter",
    exitCode: 2,
    httpStatus: 400,
  }),
  EXECUTE_REFUSED: entry({
    message: "the motion is refused: {detail}",
    cause: "a check before the motion found it unsafe, or execution is off",
    remedy: "send the goal without execute to plan only",
    httpStatus: 403,
    level: "warn",
  }),
  LEASE_HELD: entry({
    message: "{holder} is in control",
    cause: "another operator took control first",
    remedy: "request a hand-over",
    httpStatus: 409,
    level: "warn",
  }),
  LEASE_NOT_YOURS: entry({
    message: "you are not in control",
    cause: "control was released, handed over or lost with the connection",
    remedy: "take control first",
    httpStatus: 409,
    level: "warn",
  }),
  ESTOP_LATCHED: entry({
    message: "the emergency stop is on",
    cause: "somebody pressed it; it stays on until it is reset",
    remedy: "make sure that it is safe, then reset it",
    httpStatus: 409,
    level: "warn",
  }),
} as const satisfies Record<string, CatalogueEntry>;
