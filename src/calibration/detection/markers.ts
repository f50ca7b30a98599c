import { GraspGroundingError } from "../../errors/index.js";
import { dictionaryOf, type OpenCv, scoped } from "./opencv.js";
import type { Target } from "./targets.js";

/** @throws GraspGroundingError CALIBRATION_TARGET when the target's dictionary has too few markers for it */
export function requireMarkers(cv: OpenCv, target: Target): void {
  if (target.type === "chessboard") return;
  const { columns, rows, dictionary, type } = target;
  const needed =
    target.type === "charuco" ? Math.floor((columns * rows) / 2) : target.first_id + columns * rows;
  const there = scoped(cv, (scope) => scope.own(dictionaryOf(cv, dictionary)).bytesList.rows);
  if (needed > there)
    throw new GraspGroundingError("CALIBRATION_TARGET", {
      path: `${type} ${columns}×${rows}`,
      detail: `it needs ${needed} markers, and ${dictionary} has ${there}`,
    });
}
