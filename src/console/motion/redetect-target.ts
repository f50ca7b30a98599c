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
 * The proposal as an image taken after this call has it, wherever the object is now; without a detection and with the
 * reason where it is not seen. @param signal ends the wait for the image
 */
export async function redetectAfterMotion(
  queries: QueryService,
  arm: Motion,
  proposal: Proposal,
  signal: AbortSignal,
): Promise<Proposal> {
  const asked = performance.now();
  await queries.nextFrame((frame) => arm.age(frame) * 1e3 <= performance.now() - asked, signal);
  const { answer, chosen, result } = proposal;
  const { frame, result: now } = await queries.redetect(answer);
  const { detections } = now.grounding;
  const best = sameObject(result.grounding.detections[chosen], proposal.frame, detections, frame, arm);
  const detection = detections[best];
  if (detection === undefined) {
    const gone = { ...now, grasps: [], graspFailure: "the object is not in the image" };
    return { answer, chosen: best, frame, result: gone };
  }
  if (best === 0) return { answer, chosen: best, frame, result: now };
  const plan = await queries.plan(frame, detection);
  const graspFailure = plan?.reason ?? "there is no grasp";
  return { answer, chosen: best, frame, result: { ...now, grasps: plan?.grasps ?? [], graspFailure } };
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
