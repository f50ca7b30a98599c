import type { GripperController, GripperProblem, GripperResult } from "../../arm/index.js";
import type { Metres } from "../../geometry/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import { ActionPort } from "./action-client.js";

/** How a gripper's command relates to the distance between its fingers: linear from closed to open. */
export interface GripperMapping {
  /** Distance between the fingers when open, in metres. */
  readonly stroke: Metres;
  /** Command when open, and when closed: metres or radians, as the driver has it. */
  readonly open: number;
  readonly closed: number;
}

export const gripperMappings = {
  /** franka_gripper takes the travel of one finger. */
  franka_hand: { stroke: 0.08, open: 0.04, closed: 0 },
  /** The knuckle's angle. */
  robotiq_2f_85: { stroke: 0.085, open: 0, closed: 0.8 },
} as const satisfies Record<string, GripperMapping>;

export interface GripperOptions {
  readonly interface: "gripper_command" | "parallel_gripper_command";
  /** Name of the action. */
  readonly action: string;
  readonly mapping: GripperMapping;
  /** The joint that a ParallelGripperCommand moves. */
  readonly joint: string;
  /** Force in newtons for every grasp; 0 takes the grasp's own. */
  readonly force: number;
  /** The joint's position by the joint states; undefined while none names it. */
  readonly position: () => number | undefined;
}

interface CommandResult {
  readonly position?: number;
  readonly state?: { readonly name: readonly string[]; readonly position: ArrayLike<number> };
  readonly stalled: boolean;
  readonly reached_goal: boolean;
}

/** Fingers stopped by something end at least this much before where they were sent. */
const blockedBy: Metres = 0.0015;

/** A parallel gripper by control_msgs/GripperCommand or ParallelGripperCommand. */
export class GripperClient implements GripperController {
  readonly #options: GripperOptions;
  readonly #action: ActionPort<object, CommandResult>;

  constructor(rcl: Rcl, node: RclNode, options: GripperOptions) {
    this.#options = options;
    const type = options.interface === "gripper_command" ? "GripperCommand" : "ParallelGripperCommand";
    this.#action = new ActionPort(rcl, node, `control_msgs/action/${type}`, options.action);
  }

  /** Why it cannot be commanded now. */
  get problem(): string | undefined {
    return this.#action.available
      ? undefined
      : `no action server at ${this.#action.name}; start the gripper's driver`;
  }

  async move(width: Metres, force?: number): Promise<GripperResult | GripperProblem> {
    const { mapping } = this.#options;
    const target = Math.min(Math.max(width, 0), mapping.stroke);
    const position = mapping.closed + ((mapping.open - mapping.closed) * target) / mapping.stroke;
    const ended = await this.#action.run(this.#goal(position, this.#options.force || force || 0), {
      acceptWithin: 1.5,
    });
    switch (ended.how) {
      case "unavailable":
      case "gone":
        return { problem: `the gripper's action server ${this.#action.name} is gone` };
      case "silent":
        return { problem: "the gripper does not answer" };
      case "rejected":
        return { problem: "the gripper did not accept the command" };
      case "canceled":
        return { problem: "the gripper's motion was cancelled" };
      default:
        return this.#outcome(ended.result, target, ended.how === "succeeded");
    }
  }

  stop(): Promise<void> {
    return this.#action.cancel();
  }

  opening(): Metres | undefined {
    const position = this.#options.position();
    return position === undefined ? undefined : this.#width(position);
  }

  close(): void {
    this.#action.close();
  }

  #goal(position: number, effort: number): object {
    if (this.#options.interface === "gripper_command") return { command: { position, max_effort: effort } };
    const header = { stamp: { sec: 0, nanosec: 0 }, frame_id: "" };
    const { joint } = this.#options;
    return {
      command: {
        header,
        name: [joint],
        position: [position],
        velocity: [],
        effort: effort > 0 ? [effort] : [],
      },
    };
  }

  /** Drivers differ in their meaning of reached and stalled; the measured width decides. */
  #outcome(result: CommandResult, target: Metres, succeeded: boolean): GripperResult | GripperProblem {
    const position = result.position ?? this.#stated(result.state);
    if (position === undefined || !Number.isFinite(position))
      return { problem: "the gripper's answer holds no position" };
    const width = this.#width(position);
    const stalled = result.stalled || width > target + blockedBy;
    if (!succeeded && !stalled && !result.reached_goal && Math.abs(width - target) > 0.005)
      return { problem: "the gripper aborted; look at its driver" };
    return { reached: result.reached_goal || Math.abs(width - target) <= blockedBy, stalled, width };
  }

  #stated(state: CommandResult["state"]): number | undefined {
    if (state === undefined) return undefined;
    const at = state.name.indexOf(this.#options.joint);
    return state.position[Math.max(0, at)];
  }

  #width(position: number): Metres {
    const { stroke, open, closed } = this.#options.mapping;
    const width = ((position - closed) / (open - closed)) * stroke;
    return Math.min(Math.max(width, 0), stroke);
  }
}
