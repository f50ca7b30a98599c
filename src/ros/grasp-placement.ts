import { describe, GraspGroundingError } from "../errors/index.js";
import { compose, type FrameId } from "../geometry/index.js";
import type { Parameters } from "./parameters/index.js";
import type { PlacedGrasps } from "./results/outputs.js";
import type { Answer } from "./scheduler.js";
import type { Transforms } from "./transforms.js";

export interface GraspPlacementDependencies {
  readonly transforms: Transforms;
  readonly parameters: () => Parameters;
  readonly onFailure: (error: unknown) => void;
}

/**
 * The grasps of an answer in `targetFrame`; empty leaves them in the camera's optical frame. A missing transform gives no
 * grasps and the reason.
 */
export async function placeGrasps(
  { transforms, parameters, onFailure }: GraspPlacementDependencies,
  { finished, result }: Answer,
  targetFrame: FrameId,
): Promise<PlacedGrasps> {
  const { done, hasDepth } = finished;
  const first = result.grasps[0];
  if (first === undefined) {
    const why = !result.found
      ? ""
      : (result.graspFailure ??
        done.problems[0]?.message ??
        (hasDepth ? "grasp planning is off" : new GraspGroundingError("GRASP_NO_DEPTH").message));
    return { grasps: [], reason: why };
  }
  if (targetFrame === "" || targetFrame === first.frame) return { grasps: result.grasps, reason: "" };
  try {
    const pose = await transforms.lookup(targetFrame, first.frame, done.stamp, parameters().tf_timeout);
    const grasps = result.grasps.map((each) => ({
      ...each,
      frame: targetFrame,
      pose: compose(pose, each.pose),
    }));
    return { grasps, reason: "" };
  } catch (error) {
    onFailure(error);
    return { grasps: [], reason: describe(error) };
  }
}
