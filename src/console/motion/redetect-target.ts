import { boxIou, type Pose, transformPoint } from "../../geometry/index.js";
import type { PipelineResult } from "../../pipeline/index.js";
import type { QueryService } from "../server/query-service.js";
import { type Motion, type Proposal, refused } from "./motion.js";

/** Metres an object may have moved since it was looked at and still be the same. */
const moved = 0.03;

/**
 * The proposal as the image shown now has it: a person takes longer to decide than an image may be old.
 * @throws GraspGroundingError MOTION_REFUSED when the object is gone or not where it was
 */
export async function redetectTarget(
  queryService: QueryService,
  arm: Motion,
  proposal: Proposal,
): Promise<Proposal> {
  const { answer, chosen, result } = proposal;
  const wanted = result.grounding.detections[chosen];
  const before = arm.cameraInBase(proposal.frame);
  const { frame, result: now } = await queryService.look(answer);
  // The same object is where most of its box was; of several alike the nearest in the image.
  const overlaps = now.grounding.detections.map(({ box }) => (wanted ? boxIou(box, wanted.box) : 0));
  const best = overlaps.indexOf(Math.max(...overlaps));
  const detection = now.grounding.detections[best];
  if (detection === undefined) throw refused("the object is not seen any more; ask again");
  const plan =
    best === 0 ? { grasps: now.grasps, reason: now.graspFailure } : await queryService.plan(frame, detection);
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
  now: PipelineResult["grasps"],
  nowFrom: Pose | undefined,
  before: PipelineResult["grasps"],
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
