import { describe } from "../../errors/index.js";
import { compose, type FrameId, type Pose } from "../../geometry/index.js";
import type { Parameters } from "../parameters/index.js";
import type { PlacedGrasps, TargetFrame } from "../results/outputs.js";
import type { Answer, Finished } from "../scheduler.js";
import type { Transforms } from "../transforms.js";

export interface GraspPlacementDependencies {
  readonly transforms: Transforms;
  readonly parameters: () => Parameters;
  readonly onFailure: (error: unknown) => void;
}

/**
 * The grasps of an answer in `targetFrame`; empty leaves them in the camera's optical frame. A missing transform gives
 * no
 * grasps and the reason.
 */
export async function placeGrasps(
  { transforms, parameters, onFailure }: GraspPlacementDependencies,
  { finished, result }: Pick<Answer, "finished" | "result">,
  targetFrame: FrameId,
): Promise<PlacedGrasps> {
  const { done, hasDepth, depthProblem } = finished;
  const first = result.grasps[0];
  if (first === undefined) {
    const why = !result.found
      ? ""
      : (result.graspFailure ??
        done.problems[0]?.message ??
        (hasDepth ? "grasp planning is off" : (depthProblem ?? "needs depth, and use_depth is off")));
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

/** The frame of what is published in 3D, with the image's optical frame in it; without a pose when TF lacks it. */
export async function placeFrame(
  { transforms, parameters, onFailure }: GraspPlacementDependencies,
  { done }: Finished,
  targetFrame: FrameId,
): Promise<TargetFrame> {
  if (targetFrame === "" || targetFrame === done.frameId) return { frame: done.frameId, pose: identity };
  try {
    const { tf_timeout } = parameters();
    const pose = await transforms.lookup(targetFrame, done.frameId, done.stamp, tf_timeout);
    return { frame: targetFrame, pose };
  } catch (error) {
    onFailure(error);
    return { frame: targetFrame, pose: undefined };
  }
}

const identity: Pose = { position: [0, 0, 0], orientation: [0, 0, 0, 1] };
