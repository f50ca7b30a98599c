import { median } from "../../geometry/index.js";
import type { Sighting } from "../types.js";
import { report } from "./intrinsics-report.js";
import { fixedUnknowns, scanFocalLengths, solve } from "./intrinsics-solve.js";
import type { IntrinsicsOptions, IntrinsicsResult } from "./intrinsics-types.js";
import { rms } from "./planar-pose.js";
import { refuse } from "./refuse.js";

const minViews = 4;

/**
 * Camera matrix and distortion from images of a flat target: a scan over focal lengths, then all unknowns together
 * by robust least squares on the reprojection error; images far worse than the others are rejected.
 * @throws GraspGroundingError CALIBRATION_REFUSED for sets that do not determine a camera
 */
export function calibrateIntrinsics(
  sightings: readonly Sighting[],
  options: IntrinsicsOptions = {},
): IntrinsicsResult {
  const model = options.model ?? "plumb_bob";
  const first = sightings[0];
  if (first === undefined || sightings.length < minViews)
    throw refuse(
      `the target was found in ${sightings.length} ${sightings.length === 1 ? "image" : "images"}, and ${minViews} are the least`,
      "take 15 or more images with the target at different tilts, distances and places",
    );
  const { width, height } = first;
  const odd = sightings.find((each) => each.width !== width || each.height !== height);
  if (odd !== undefined)
    throw refuse(
      `${odd.name} is ${odd.width}×${odd.height} and ${first.name} ${width}×${height}`,
      "use images of one camera at one resolution",
    );
  const start = scanFocalLengths(sightings, model);
  const fixed = fixedUnknowns(model, options);
  let accepted = sightings.map((_, index) => index).filter((index) => start.poses[index] !== undefined);
  let solution = solve(sightings, accepted, start.camera, start.poses, model, fixed);
  const rejected = new Map<number, string>();
  for (const [index, pose] of start.poses.entries())
    if (pose === undefined) rejected.set(index, "its corners fit no pose");
  for (let round = 0; round < 3; round++) {
    const errors = accepted.map((index) => rms(solution.residuals.get(index)!));
    const limit = Math.max(0.3, 3 * median(errors));
    const bad = accepted.filter((_, k) => errors[k]! > limit);
    if (bad.length === 0 || accepted.length - bad.length < minViews) break;
    for (const index of bad) rejected.set(index, "its corners are far off those of the other images");
    accepted = accepted.filter((index) => !bad.includes(index));
    solution = solve(sightings, accepted, solution.camera, solution.poses, model, fixed);
  }
  return report(sightings, accepted, rejected, solution);
}
