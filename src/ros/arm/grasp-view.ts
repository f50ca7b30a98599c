import type { GraspView, RankedGrasp, Scene } from "../../arm/index.js";
import { compose, type Metres, type Pose, transformPoints } from "../../geometry/index.js";
import type { Answer } from "../scheduler.js";
import type { ConfiguredArm } from "./configured-arm.js";
import { viewsFrom } from "./second-view.js";

/**
 * What an image shows of the object and around it, in the arm's base.
 * @param camera the image's optical frame in the base, at the image's stamp
 * @param tableHeight in the base: what the camera looks at where the image does not show the object
 */
export function graspView(
  ready: ConfiguredArm,
  camera: Pose,
  answer: Answer,
  tableHeight: Metres,
): GraspView {
  const { grasps, scene } = seenFrom(camera, answer);
  const { result } = answer;
  const reason = result.found ? result.graspFailure : "the object is not in the image";
  return {
    grasps,
    ...(reason !== undefined && { reason }),
    frameAt: ready.takenAt(answer.finished.done.stamp),
    ...(result.unseen !== undefined && { unseen: result.unseen }),
    nextViews: viewsFrom(camera, result, tableHeight),
    scene: {
      ...ready.scene,
      ...scene,
      ...(scene.obstacles !== undefined && { obstacles: ready.arm.withoutRobot(scene.obstacles) }),
    },
  };
}

/** Grasps and points of an answer, in the arm's base. */
export function seenFrom(camera: Pose, { result }: Answer): { grasps: readonly RankedGrasp[]; scene: Scene } {
  const grasps = result.grasps.map(({ pose, width, score, objectWidth, force }) => ({
    pose: compose(camera, pose),
    width,
    score,
    ...(objectWidth !== undefined && { objectWidth }),
    ...(force !== undefined && { force }),
  }));
  const { scenePoints } = result;
  if (scenePoints === undefined) return { grasps, scene: {} };
  return {
    grasps,
    scene: {
      target: transformPoints(camera, scenePoints.target),
      obstacles: transformPoints(camera, scenePoints.obstacles),
    },
  };
}
