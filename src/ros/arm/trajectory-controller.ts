import {
  type ArmController,
  type ControllerReading,
  type FollowCode,
  type FollowResult,
  followText,
  interpolate,
  systemClock,
  type TrajectoryPoint,
} from "../../arm/index.js";
import type { Radians, Seconds } from "../../geometry/index.js";
import type { Rcl, RclNode, RclPublisher } from "../rcl.js";
import { makeQos } from "../topics/qos.js";
import { ActionPort } from "./action-client.js";
import type { JointStateSubscriber } from "./joint-state-subscriber.js";
import { brakingPoints, drivingPoints, durationOf, trajectoryMessage } from "./trajectory-message.js";

export interface TrajectoryControllerOptions {
  /** Name of the controller: its action is `<name>/follow_joint_trajectory`, its topic `<name>/joint_trajectory`. */
  readonly controller: string;
  readonly interface: "action" | "topic";
  readonly joints: readonly string[];
  /** Tolerances of every joint; 0 leaves it to the controller (action), or to the defaults below (topic). */
  readonly pathTolerance: Radians;
  readonly goalTolerance: Radians;
  /** Time the controller may take beyond the trajectory's end; 0 leaves it to the controller. */
  readonly goalTime: Seconds;
  /** Largest joint acceleration of braking and jogging, per second squared. */
  readonly acceleration: number;
}

interface FollowGoalResult {
  readonly error_code: number;
  readonly error_string: string;
}

interface FollowFeedback {
  readonly error: { readonly positions: ArrayLike<number> };
}

type FollowPort = ActionPort<object, FollowGoalResult, FollowFeedback>;

/** control_msgs/action/FollowJointTrajectory */
const codes: Readonly<Record<number, FollowCode>> = {
  0: "successful",
  [-1]: "invalid-goal",
  [-2]: "invalid-joints",
  [-3]: "old-header-timestamp",
  [-4]: "path-tolerance-violated",
  [-5]: "goal-tolerance-violated",
};

/** Tolerances of motions by topic where none is set. */
const topicDefaults = { path: 0.2, goal: 0.02, time: 1 } as const;
/** How long the controller may take to answer a goal. */
const acceptWithin: Seconds = 1.5;

/**
 * ros2_control's joint_trajectory_controller, by its action or by its topic. Jogging goes by the topic in both cases.
 */
export class TrajectoryController implements ArmController {
  readonly joints: readonly string[];
  readonly #options: TrajectoryControllerOptions;
  readonly #jointStates: JointStateSubscriber;
  readonly #node: RclNode;
  readonly #action: FollowPort | undefined;
  readonly #publisher: RclPublisher;
  /** Counts orders, so that a motion by topic that was replaced knows. */
  #turn = 0;
  #driving:
    | { readonly velocities: readonly number[]; readonly at: Seconds; readonly until: Seconds }
    | undefined;
  #followingByTopic = false;
  #trackingError = 0;

  constructor(
    rcl: Rcl,
    node: RclNode,
    jointStates: JointStateSubscriber,
    options: TrajectoryControllerOptions,
  ) {
    this.joints = options.joints;
    this.#options = options;
    this.#jointStates = jointStates;
    this.#node = node;
    const { controller } = options;
    if (options.interface === "action")
      this.#action = new ActionPort(
        rcl,
        node,
        "control_msgs/action/FollowJointTrajectory",
        `${controller}/follow_joint_trajectory`,
      );
    this.#publisher = node.createPublisher(
      "trajectory_msgs/msg/JointTrajectory",
      `${controller}/joint_trajectory`,
      {
        qos: makeQos(rcl, 1, "reliable"),
      },
    );
  }

  /** Why it cannot be commanded now; undefined when somebody listens. */
  get problem(): string | undefined {
    if (this.#action !== undefined)
      return this.#action.available
        ? undefined
        : `no action server at ${this.#action.name}; start the controller`;
    const { topic } = this.#publisher;
    return this.#node.countSubscribers(topic) > 0
      ? undefined
      : `nobody subscribes ${topic}; start the controller`;
  }

  /** Largest deviation of a joint from the trajectory that the controller reported during the last motion. */
  get trackingError(): Radians {
    return this.#trackingError;
  }

  reading(): ControllerReading | undefined {
    return this.#jointStates.reading(this.joints);
  }

  async follow(points: readonly TrajectoryPoint[]): Promise<FollowResult> {
    this.#turn++;
    this.#driving = undefined;
    this.#trackingError = 0;
    const { problem } = this;
    if (problem !== undefined) return { code: "lost", detail: problem };
    return this.#action === undefined ? this.#publishAndWatch(points) : this.#send(this.#action, points);
  }

  stop(): Promise<void> {
    this.#turn++;
    if (this.#driving !== undefined || this.#followingByTopic) this.#brake();
    this.#driving = undefined;
    // The arm must stand, whichever client sent the goal.
    return this.#action?.cancel(true) ?? Promise.resolve();
  }

  drive(velocities: readonly number[], seconds: Seconds): void {
    const reading = this.reading();
    if (reading === undefined) return;
    this.#turn++;
    const now = systemClock.now();
    const { acceleration } = this.#options;
    if (velocities.every((v) => v === 0)) {
      if (this.#driving !== undefined) this.#brake();
      this.#driving = undefined;
      return;
    }
    const before = this.#driving !== undefined && now < this.#driving.until ? this.#driving : undefined;
    const ramped = ramp(
      before?.velocities ?? reading.velocities,
      velocities,
      acceleration * Math.min(Math.max(now - (before?.at ?? now), 0.03), 0.1),
    );
    this.#driving = { velocities: ramped, at: now, until: now + seconds };
    this.#publish(drivingPoints(reading.positions, ramped, seconds, acceleration));
  }

  close(): void {
    this.#turn++;
    this.#action?.close();
    this.#node.destroyPublisher(this.#publisher);
  }

  async #send(action: FollowPort, points: readonly TrajectoryPoint[]): Promise<FollowResult> {
    const { pathTolerance, goalTolerance, goalTime } = this.#options;
    const tolerance = (position: number) =>
      position > 0 ? this.joints.map((name) => ({ name, position, velocity: 0, acceleration: 0 })) : [];
    const goal = {
      trajectory: trajectoryMessage(this.joints, points),
      multi_dof_trajectory: {},
      path_tolerance: tolerance(pathTolerance),
      component_path_tolerance: [],
      goal_tolerance: tolerance(goalTolerance),
      component_goal_tolerance: [],
      goal_time_tolerance: durationOf(goalTime),
    };
    const ended = await action.run(goal, {
      acceptWithin,
      onFeedback: ({ error }) => {
        const worst = Math.max(0, ...Array.from(error.positions, Math.abs));
        this.#trackingError = Math.max(this.#trackingError, worst);
      },
    });
    switch (ended.how) {
      case "rejected":
        return { code: "rejected" };
      case "unavailable":
      case "gone":
        return { code: "lost", detail: `the action server ${action.name} is gone` };
      case "silent":
        return { code: "lost", detail: `no answer to the goal within ${acceptWithin} s` };
      case "canceled":
        return { code: "cancelled" };
      default:
        return outcome(ended.how, ended.result);
    }
  }

  /** The topic has no answer: whether the arm follows and arrives is measured. */
  async #publishAndWatch(points: readonly TrajectoryPoint[]): Promise<FollowResult> {
    const turn = this.#turn;
    const path = this.#options.pathTolerance || topicDefaults.path;
    const goal = this.#options.goalTolerance || topicDefaults.goal;
    const time = this.#options.goalTime || topicDefaults.time;
    const last = points.at(-1)!;
    const began = systemClock.now();
    this.#publish(points);
    this.#followingByTopic = true;
    try {
      for (;;) {
        await systemClock.sleep(0.01);
        if (turn !== this.#turn) return { code: "cancelled" };
        const reading = this.reading();
        if (reading === undefined) return { code: "lost" };
        const t = reading.at - began;
        const off = apart(reading.positions, interpolate(points, Math.max(0, t)).positions);
        this.#trackingError = Math.max(this.#trackingError, off);
        const rests = reading.velocities.every((v) => Math.abs(v) < 0.01);
        if (t >= last.t && rests && apart(reading.positions, last.positions) <= goal)
          return { code: "successful" };
        if (t < last.t && off > path) {
          this.#brake();
          return { code: "path-tolerance-violated", detail: `${off.toFixed(3)} rad away from it` };
        }
        if (systemClock.now() - began > last.t + time) {
          this.#brake();
          return { code: "goal-tolerance-violated" };
        }
      }
    } finally {
      if (turn === this.#turn) this.#followingByTopic = false;
    }
  }

  #brake(): void {
    this.#followingByTopic = false;
    const reading = this.reading();
    if (reading !== undefined) this.#publish(brakingPoints(reading, this.#options.acceleration));
  }

  #publish(points: readonly TrajectoryPoint[]): void {
    this.#publisher.publish(trajectoryMessage(this.joints, points));
  }
}

function outcome(how: "succeeded" | "aborted", { error_code, error_string }: FollowGoalResult): FollowResult {
  const known = codes[error_code];
  // A controller that was told of another goal meanwhile aborts this one without an error.
  const code =
    how === "succeeded" ? "successful" : known === undefined || known === "successful" ? "cancelled" : known;
  const text = error_string.trim();
  const unknown = known === undefined ? `error code ${error_code}` : "";
  const detail = [unknown, text === followText[code] ? "" : text].filter(Boolean).join(": ");
  return detail === "" ? { code } : { code, detail };
}

const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((q, i) => Math.abs(q - b[i]!)));

/** Goes from one set of joint speeds towards another, none changing by more than `maxChange`. */
function ramp(from: readonly number[], to: readonly number[], maxChange: number): number[] {
  const change = to.map((v, i) => v - from[i]!);
  const share = Math.min(1, maxChange / Math.max(1e-9, ...change.map(Math.abs)));
  return from.map((v, i) => v + change[i]! * share);
}
