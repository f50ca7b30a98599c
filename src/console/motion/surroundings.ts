import type { GraspView, Scene } from "../../arm/index.js";
import type { RgbdFrame, Vec3 } from "../../geometry/index.js";
import type { ConsoleArm } from "./console-arm.js";
import type { GraspedObject } from "./gripper-state.js";
import { clearedAround, goalsFor, reachOf, sceneOf, standsOn } from "./motion-goals.js";
import type { Place, Proposal } from "./proposal.js";
import { refused } from "./refused.js";

/** Metres around a grasped object that the gripper itself fills in the image. */
const margin = 0.03;
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
  taken(goal: GraspView["grasps"][number], scene: Scene): GraspedObject["taken"] {
    const { position } = goal.pose;
    return { goal, height: standsOn(scene, position), reach: reachOf(scene.target, position) };
  }

  /** The tool's goal and the scene for putting an object down. @param frame what the camera sees now */
  placing(
    { goal, height, reach }: NonNullable<GraspedObject["taken"]>,
    frame: RgbdFrame | undefined,
    where: Place,
  ) {
    const { pose } = goal;
    const { arm, scene: known = {} } = this.#console;
    const tool = arm.tool?.position ?? pose.position;
    const below: Vec3 = [tool[0], tool[1], tool[2] - (standsOn(known, tool) - height)];
    const position: Vec3 =
      where === "back" ? pose.position : where === "here" ? below : [where[0], where[1], where[2] + height];
    const seen = this.#withoutObject(this.#seen(frame), { goal, height, reach }, tool);
    const scene = this.#complete(where === "back" ? clearedAround(seen, position, reach + margin) : seen);
    return { goal: { ...goal, pose: { ...pose, position } }, scene };
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
        ? clearedAround(seen, tool, unknownReach + margin)
        : this.#withoutObject(seen, object.taken, tool);
    return this.#complete(scene);
  }

  /** An image may show the object in the gripper, or still where it was taken: neither is an obstacle. */
  #withoutObject(
    seen: Scene,
    { goal, height, reach }: NonNullable<GraspedObject["taken"]>,
    tool: Vec3,
  ): Scene {
    const lifted = clearedAround(seen, tool, reach + margin, tool[2] - height);
    return clearedAround(lifted, goal.pose.position, reach + margin);
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
