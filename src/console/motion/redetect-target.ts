import { boxIou, type Pose, transformPoint } from "../../geometry/index.js";
import type { BridgeResult } from "../../pipeline/index.js";
import type { Asker } from "../server/query-service.js";
import { type Motion, type Proposal, refused } from "./motion.js";

/** Metres a thing may have moved since it was looked at and still be the same. */
const moved = 0.03;

/**
 * The proposal as the picture shown now has it: a person takes longer to decide than a picture may be old.
 * @throws GraspGroundingError MOTION_REFUSED when the thing is gone or not where it was
 */
export async function lookAgain(asker: Asker, arm: Motion, proposal: Proposal): Promise<Proposal> {
  const { answer, chosen, result } = proposal;
  const wanted = result.grounding.detections[chosen];
  const before = arm.cameraInBase(proposal.frame);
  const { frame, result: now } = await asker.look(answer);
  // The same thing is where most of its box was; of several alike the nearest in the picture.
  const overlaps = now.grounding.detections.map(({ box }) => (wanted ? boxIou(box, wanted.box) : 0));
  const best = overlaps.indexOf(Math.max(...overlaps));
  const detection = now.grounding.detections[best];
  if (detection === undefined) throw refused("the object is not seen any more; ask again");
  const plan =
    best === 0 ? { grasps: now.grasps, reason: now.graspFailure } : await asker.plan(frame, detection);
  const after = arm.cameraInBase(frame);
  const nearest = distances(plan?.grasps ?? [], after, result.grasps, before);
  if (nearest > moved)
    throw refused(
      Number.isFinite(nearest)
        ? "the object is not where it was when you looked; ask again"
        : (plan?.reason ?? "no grasp is seen any more; ask again"),
    );
  return { answer, chosen: best, frame, result: { ...now, grasps: plan?.grasps ?? [] } };
}

/** Least distance between the first grasp of before and any of now, in the robot's base; Infinity where there is none. */
function distances(
  now: BridgeResult["grasps"],
  nowFrom: Pose | undefined,
  before: BridgeResult["grasps"],
  beforeFrom: Pose | undefined,
): number {
  const [first] = before;
  if (first === undefined || nowFrom === undefined || beforeFrom === undefined)
    return Number.POSITIVE_INFINITY;
  const [x, y, z] = transformPoint(beforeFrom, first.pose.position);
  return Math.min(
    Number.POSITIVE_INFINITY,
    ...now.map(({ pose }) => {
      const [u, v, w] = transformPoint(nowFrom, pose.position);
      return Math.hypot(u - x, v - y, w - z);
    }),
  );
}
