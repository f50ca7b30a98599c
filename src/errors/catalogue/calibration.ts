import { type CatalogueEntry, entry } from "../entry.js";

/** Camera and hand-eye calibration. */
export const calibrationErrors = {
  CALIBRATION_REFUSED: entry("no calibration: {detail}", "{remedy}", 1, 422),
  CALIBRATION_TARGET: entry(
    "{path}: not a calibration target ({detail})",
    "make one with `grasp-grounding calibrate target`, or see calibration/README.md",
    2,
    422,
  ),
  CALIBRATION_POSES: entry(
    "{path}: robot poses cannot be used ({detail})",
    "give image, x, y, z, qx, qy, qz, qw (metres; tool in the robot's base) for each picture",
    2,
    422,
  ),
  CALIBRATION_FILE: entry(
    "{path}: not a hand-eye calibration ({detail})",
    "write one with `grasp-grounding calibrate hand-eye --out FILE`, or see calibration/hand_eye.yaml",
    1,
    422,
  ),
  CALIBRATION_OFF: entry(
    "the calibration is off by {found}; the limit is {limit}",
    "calibrate again, or check that camera, target and robot are those it was made with",
  ),
} as const satisfies Readonly<Record<string, CatalogueEntry>>;
