import { type CatalogueEntry, entry } from "../entry.js";

/** Camera and hand-eye calibration. */
export const calibrationErrors = {
  CALIBRATION_REFUSED: entry({
    message: "no calibration: {detail}",
    cause: "the images or the robot's motions do not determine the result, or contradict each other",
    remedy: "{remedy}",
    httpStatus: 422,
    level: "warn",
  }),
  CALIBRATION_TARGET: entry({
    message: "{path}: not a calibration target ({detail})",
    cause: "a field of the target's YAML is missing or impossible",
    remedy: "make one with `grasp-grounding calibrate target`, or see calibration/README.md",
    exitCode: 2,
    httpStatus: 422,
    level: "warn",
  }),
  CALIBRATION_POSES: entry({
    message: "{path}: robot poses cannot be used ({detail})",
    cause: "the file is missing, or has other fields, other units or quaternions that are not of unit length",
    remedy: "give image, x, y, z, qx, qy, qz, qw (metres; tool in the robot's base) for each image",
    exitCode: 2,
    httpStatus: 422,
    level: "warn",
  }),
  CALIBRATION_FILE: entry({
    message: "{path}: not a hand-eye calibration ({detail})",
    cause: "the file was written by another program, or edited",
    remedy:
      "write one with `grasp-grounding calibrate hand-eye --out FILE`, or see calibration/hand_eye.yaml",
    httpStatus: 422,
  }),
  CALIBRATION_OFF: entry({
    message: "the calibration is off by {found}; the limit is {limit}",
    cause: "the camera was moved, or the target or the robot is not the calibrated one",
    remedy: "calibrate again, or use the camera, target and robot of the calibration",
  }),
} as const satisfies Record<string, CatalogueEntry>;
