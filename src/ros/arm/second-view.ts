import { bothScenes, type GraspView } from "../../arm/index.js";
import {
  add,
  compose,
  type FrameId,
  invert,
  type Metres,
  type Pose,
  rotate,
  type Stamp,
  scale,
  type Vec3,
} from "../../geometry/index.js";
import { viewsAround } from "../../grasping/index.js";
import type { FusedView, FuseRequest, QueryResult, Reach } from "../job.js";
import type { Answer } from "../scheduler.js";

export interface SecondViewDependencies {
  /** The first image's optical frame in the base: TF may have forgotten it while the arm moved. */
  readonly from: Pose;
  /** Finds the first image's object in the second one, and plans on both; undefined where it is not there. */
  readonly fuse: (request: FuseRequest) => Promise<FusedView | undefined>;
  /** The camera's optical frame in the arm's base at a stamp. @throws GraspGroundingError TF_UNAVAILABLE */
  readonly cameraInBase: (frame: FrameId, stamp: Stamp) => Promise<Pose>;
  /** Whether the object gets its mask. */
  readonly withMask: boolean;
  /** The arm as grasps have to be reached now. */
  readonly reach: (frame: FrameId, stamp: Stamp) => Reach | undefined;
}

/** Distance of the second view from that point where the first image shows no object: it shows 0.4 m of the table. */
const searchDistance: Metres = 0.5;
/** Longest distance of that point from the camera. */
const farthestPoint: Metres = 1;
/** Points of one image this close to the object of the other are the object's own. */
const sameObject: Metres = 0.012;
/** The same where the first image's object is not known: its points count as obstacles there. */
const sameSpot: Metres = 0.04;

/**
 * The answer of the second image, its object the first one's and its grasps planned on both images; as it is where the
 * first image shows no object.
 * @throws GraspGroundingError TF_UNAVAILABLE, PIPELINE_ENDED
 */
export async function fusedAnswer(
  first: Answer,
  second: Answer,
  { from, fuse, cameraInBase, withMask, reach }: SecondViewDependencies,
): Promise<Answer> {
  const before = first.result.view;
  const after = second.result.view;
  const mask = first.result.found ? before?.masks[0] : undefined;
  if (before === undefined || after === undefined || mask === undefined) return second;
  const { frameId, stamp } = second.finished.done;
  const to = await cameraInBase(frameId, stamp);
  const reachable = reach(frameId, stamp);
  const { frame } = before;
  const fused = await fuse({
    first: { ...(frame.depth && { depth: frame.depth }), ...(frame.camera && { camera: frame.camera }) },
    mask,
    second: after,
    pose: compose(invert(from), to),
    cameraInBase: to,
    ...(reachable !== undefined && { reach: reachable }),
    score: first.result.objects[0]?.score ?? 0,
    withMask,
  });
  return { ...second, result: fusedResult(second.result, fused) };
}

function fusedResult(seen: QueryResult, fused: FusedView | undefined): QueryResult {
  const { scenePoints: points, unseen: _, nextViews: __, graspFailure: ___, ...rest } = seen;
  if (fused === undefined)
    return {
      ...rest,
      grasps: [],
      graspFailure: "the second image does not show the object",
      ...(points !== undefined && {
        scenePoints: { target: new Float32Array(), obstacles: points.obstacles },
      }),
    };
  const { object, detection, plan, scenePoints } = fused;
  const { grasps = [], reason, unseen } = plan ?? {};
  const others = seen.objects.filter((_, i) => i !== detection);
  return {
    ...rest,
    found: true,
    objects: [object, ...others],
    grasps,
    ...(grasps.length === 0 && { graspFailure: reason ?? "no grasp found" }),
    ...(unseen !== undefined && { unseen }),
    ...(scenePoints !== undefined && { scenePoints }),
  };
}

/** What both images show, in the base. The first one's points of the object tell later whether it left its place. */
export function fusedView(first: GraspView, second: GraspView): GraspView {
  const { target } = first.scene;
  const known = target !== undefined && target.length > 0;
  return {
    ...second,
    scene: bothScenes(first.scene, second.scene, known ? sameObject : sameSpot),
    ...(known && { fromStart: target }),
  };
}

/** Poses of the camera in the base from which more can be seen: those of a plan, or about what the camera looks at. */
export function viewsFrom(camera: Pose, { found, nextViews }: QueryResult, tableHeight: Metres): Pose[] {
  if (found) return (nextViews ?? []).map((pose) => compose(camera, pose));
  const ahead = rotate(camera.orientation, [0, 0, 1]);
  const down = ahead[2] < 0 ? (tableHeight - camera.position[2]) / ahead[2] : Number.POSITIVE_INFINITY;
  const middle: Vec3 = add(camera.position, scale(ahead, Math.min(Math.max(down, 0), farthestPoint)));
  return viewsAround(middle, camera.position, searchDistance);
}
