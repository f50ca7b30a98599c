import {
  clearedAround,
  type GraspView,
  heldMargin,
  type PlaceTarget,
  placeGoals,
  type Scene,
  type TakenObject,
  takenBy,
  withoutHeld,
} from "../../arm/index.js";
import {
  identityPose,
  invert,
  type Pose,
  type RgbdFrame,
  transformPoint,
  type Vec3,
} from "../../geometry/index.js";
import { heldInCamera, planPlace, upInCamera } from "../../grasping/index.js";
import type { ConsoleArm } from "./console-arm.js";
import type { GraspedObject } from "./gripper-state.js";
import { goalsFor, sceneOf, standsOn } from "./motion-goals.js";
import type { Place, Proposal } from "./proposal.js";
import { refused } from "./refused.js";

/** Taken for the reach of an object that was not seen before it was taken, in metres. */
const unknownReach = 0.05;

/** What stands around the arm, in the robot's base frame, as the camera saw it and as it is known otherwise. */
export class Surroundings {
  readonly #console: ConsoleArm;

  constructor(console: ConsoleArm) {
    this.#console = console;
  }

  /** Grasps and scene of an answer. @throws MOTION_REFUSED where there is no grasp */
  goals(proposal: Proposal): GraspView {
    const view = this.view(proposal);
    if (view.grasps.length === 0) throw refused(view.reason ?? "there is no grasp");
    return view;
  }

  /** As `goals`, with the reason where there is no grasp. @throws MOTION_REFUSED without the camera's pose */
  view({ frame, result, chosen }: Proposal): GraspView {
    const camera = this.#console.cameraInBase(frame);
    if (camera === undefined) throw refused("the camera's pose on the robot is not known");
    const { goals, scene } = goalsFor(frame, result, chosen, camera);
    return {
      grasps: goals,
      ...(result.graspFailure !== undefined && { reason: result.graspFailure }),
      scene: this.#complete(scene),
      frameAt: this.#console.takenAt(frame),
    };
  }

  /** How the object of a grasp stands: needed to put it down again. */
  taken(goal: GraspView["grasps"][number], scene: Scene): TakenObject {
    const { position } = goal.pose;
    const seen = scene.target !== undefined && scene.target.length > 0;
    // Of an object that was not seen, the point it stands on is known.
    const foot = [position[0], position[1], position[2] - standsOn(scene, position)];
    return takenBy(goal, seen ? scene.target : Float32Array.from(foot));
  }

  /**
   * The tool's goals and the scene for putting an object down.
   * @param frame what the camera sees now
   * @throws MOTION_REFUSED where an image is needed that does not show a free place
   */
  placing(taken: TakenObject, frame: RgbdFrame | undefined, where: Place) {
    const camera = frame === undefined ? undefined : this.#console.cameraInBase(frame);
    const target = typeof where === "string" ? where : this.#placesAt(where, taken, frame, camera);
    const tool = this.#console.arm.tool?.position ?? taken.goal.pose.position;
    const scene = this.#complete(this.#withoutObject(this.#seen(frame), taken, tool));
    return { goals: placeGoals(taken, target, camera ?? identityPose, tool), scene };
  }

  /** Free places at a point of the table, of the tool in the camera's frame. */
  #placesAt(
    point: Vec3,
    { points, orientation }: TakenObject,
    frame: RgbdFrame | undefined,
    camera: Pose | undefined,
  ): PlaceTarget {
    if (frame === undefined || camera === undefined)
      throw refused("the camera's pose on the robot is not known");
    const { spots, reason } = planPlace(frame, {
      relation: "anywhere",
      landmarks: [],
      held: heldInCamera(points, orientation, camera),
      near: transformPoint(invert(camera), point),
      up: upInCamera(camera),
    });
    if (spots.length === 0) throw refused(reason ?? "there is no free place for it");
    return spots.map(({ pose }) => pose);
  }

  /**
   * The scene for moving the arm alone.
   * @param object what is in the fingers, or may be
   * @param frame what the camera sees now
   */
  moving(frame: RgbdFrame | undefined, object: GraspedObject | undefined): Scene {
    const tool = this.#console.arm.tool?.position;
    const seen = this.#seen(frame);
    if (object === undefined || tool === undefined) return this.#complete(seen);
    const scene =
      object.taken === undefined
        ? clearedAround(seen, tool, unknownReach + heldMargin)
        : this.#withoutObject(seen, object.taken, tool);
    return this.#complete(scene);
  }

  /** An image may show the object in the gripper, or still where it was taken: neither is an obstacle. */
  #withoutObject(seen: Scene, taken: TakenObject, tool: Vec3): Scene {
    return clearedAround(withoutHeld(seen, taken, tool), taken.goal.pose.position, taken.reach + heldMargin);
  }

  #seen(frame: RgbdFrame | undefined): Scene {
    const camera = frame === undefined ? undefined : this.#console.cameraInBase(frame);
    return frame === undefined || camera === undefined ? {} : sceneOf(frame, undefined, camera);
  }

  /** What the camera saw, without the robot, and the known scene. */
  #complete(seen: Scene): Scene {
    const { arm, scene } = this.#console;
    const obstacles = seen.obstacles === undefined ? {} : { obstacles: arm.withoutRobot(seen.obstacles) };
    return { ...scene, ...seen, ...obstacles };
  }
}
