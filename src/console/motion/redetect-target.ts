import { boxIou, type Pose, type RgbdFrame, transformPoint, type Vec3 } from "../../geometry/index.js";
import type { PipelineResult } from "../../pipeline/index.js";
import { surfacePosition } from "../../visualization/surface.js";
import type { QueryService } from "../server/query-service.js";
import type { Motion } from "./motion.js";
import type { Proposal } from "./proposal.js";
import { refused } from "./refused.js";

/** An object that is farther from its place in the answer has moved, in metres. */
const maxMoved = 0.03;

type Detection = PipelineResult["grounding"]["detections"][number];

/**
 * The proposal as the image shown now has it: an operator takes longer to decide than an image may be old.
 * @throws GraspGroundingError MOTION_REFUSED when the object is gone or has moved
 */
export async function redetectTarget(
  queries: QueryService,
  arm: Motion,
  proposal: Proposal,
): Promise<Proposal> {
  const { answer, chosen, result } = proposal;
  const target = result.grounding.detections[chosen];
  const { frame, result: now } = await queries.redetect(answer);
  const best = sameObject(target, proposal.frame, now.grounding.detections, frame, arm);
  const detection = now.grounding.detections[best];
  if (detection === undefined) throw refused("the object is not seen any more; ask again");
  const plan =
    best === 0 ? { grasps: now.grasps, reason: now.graspFailure } : await queries.plan(frame, detection);
  const before = arm.cameraInBase(proposal.frame);
  const nearest = leastDistance(plan?.grasps ?? [], arm.cameraInBase(frame), result.grasps, before);
  if (nearest > maxMoved)
    throw refused(
      Number.isFinite(nearest)
        ? "the object has moved since you asked; ask again"
        : (plan?.reason ?? "no grasp is seen any more; ask again"),
    );
  return { answer, chosen: best, frame, result: { ...now, grasps: plan?.grasps ?? [] } };
}

/**
 * Index of the detection nearest to where the object was in the base; without depth the one whose box overlaps most.
 */
function sameObject(
  target: Detection | undefined,
  before: RgbdFrame,
  detections: readonly Detection[],
  now: RgbdFrame,
  arm: Motion,
): number {
  const at = target && inBase(before, target, arm);
  const cost = detections.map((detection) => {
    const place = at && inBase(now, detection, arm);
    if (at !== undefined && place !== undefined) return Math.hypot(...at.map((v, i) => place[i]! - v));
    return target === undefined ? 0 : -boxIou(detection.box, target.box);
  });
  return cost.indexOf(Math.min(...cost));
}

/** Where an object's surface is in the robot's base; undefined without depth or without the camera's pose. */
function inBase(frame: RgbdFrame, { mask }: Detection, arm: Motion): Vec3 | undefined {
  const camera = arm.cameraInBase(frame);
  const seen = surfacePosition(frame, mask);
  return camera && seen && transformPoint(camera, seen);
}

/** Least distance in the base between the first grasp of before and any of now; Infinity where there is none. */
function leastDistance(
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
