import type { Scene } from "../../arm/index.js";
import type { RgbdFrame, Vec3 } from "../../geometry/index.js";
import type { ConsoleArm } from "./console-arm.js";
import type { GraspedObject } from "./gripper-state.js";
import type { Place, Proposal } from "./motion.js";
import { clearedAround, goalsFor, reachOf, sceneOf, standsOn } from "./motion-goals.js";
import { refused } from "./refused.js";

/** Metres around a grasped object that the gripper itself fills in the image. */
const margin = 0.03;

/** What stands around the arm, in the robot's base frame, as the camera saw it and as it is known besides. */
export class Surroundings {
  readonly #console: ConsoleArm;

  constructor(console: ConsoleArm) {
    this.#console = console;
  }

  /** Grasps and scene of an answer. @throws MOTION_REFUSED */
  goals({ frame, result, chosen }: Proposal) {
    const camera = this.#console.cameraInBase(frame);
    if (camera === undefined) throw refused("the camera's pose on the robot is not known");
    if (result.grasps.length === 0) throw refused(result.graspFailure ?? "there is no grasp");
    const { goals, scene } = goalsFor(frame, result, chosen, camera);
    return { goals, scene: this.#complete(scene) };
  }

  /** How the object of a grasp stands: needed to put it down again. */
  taken(goal: ReturnType<typeof goalsFor>["goals"][number], scene: Scene): GraspedObject["taken"] {
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
    const seen = this.#seen(frame);
    // An image may still show the object where it was taken, or shows it in the gripper; all else is in the way.
    const scene = this.#complete(
      where === "back"
        ? clearedAround(seen, position, reach + margin)
        : clearedAround(seen, tool, reach + margin, tool[2] - height),
    );
    return { goal: { ...goal, pose: { ...pose, position } }, scene };
  }

  /** The scene for moving the arm alone. @param object what is in the fingers, or may be @param frame what the camera sees now */
  moving(frame: RgbdFrame | undefined, object: GraspedObject | undefined): Scene {
    const tool = this.#console.arm.tool?.position;
    const seen = this.#seen(frame);
    const reach = object?.taken?.reach ?? 0.05;
    return this.#complete(
      object === undefined || tool === undefined ? seen : clearedAround(seen, tool, reach + margin),
    );
  }

  #seen(frame: RgbdFrame | undefined): Scene {
    const camera = frame === undefined ? undefined : this.#console.cameraInBase(frame);
    return frame === undefined || camera === undefined ? {} : sceneOf(frame, undefined, camera);
  }

  /** What the camera saw, without the robot, and what is known besides. */
  #complete(seen: Scene): Scene {
    const { arm, scene } = this.#console;
    const obstacles = seen.obstacles === undefined ? {} : { obstacles: arm.withoutRobot(seen.obstacles) };
    return { ...scene, ...seen, ...obstacles };
  }
}
