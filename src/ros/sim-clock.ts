import { GraspGroundingError } from "../errors/index.js";
import type { Seconds } from "../geometry/index.js";
import type { Time } from "../messages/index.js";
import { parameterTypes, type Rcl, type RclNode, type RclSubscription } from "./rcl.js";
import { makeQos } from "./topics/qos.js";

/** rclnodejs's own follower of /clock, whose subscription is replaced here. */
interface TimeSource {
  readonly isRosTimeActive: boolean;
  _clockSubscription: RclSubscription | undefined;
  _subscribeToClockTopic(): void;
  _clockCallback(message: ClockMessage): void;
}

interface ClockMessage {
  readonly clock: Time;
}

/** A clock that stands this long does not run. */
const standsAfter: Seconds = 3;

/**
 * Simulated time (`use_sim_time`). rclnodejs 2.2 asks for a reliable /clock; rclcpp's ClockQoS, which simulators
 * publish with, is best effort, and the two never match. Best effort matches both.
 */
export class SimClock {
  readonly #source: TimeSource;
  readonly #node: RclNode;
  /** When the clock last changed, or was first asked for, by the steady clock in milliseconds. */
  #changedAt = performance.now();
  #last: Time | undefined;

  constructor(rcl: Rcl, node: RclNode) {
    this.#node = node;
    const source = (node as unknown as { readonly _timeSource: TimeSource })._timeSource;
    this.#source = source;
    source._subscribeToClockTopic = () => {
      this.#changedAt = performance.now();
      this.#last = undefined;
      source._clockSubscription ??= node.createSubscription(
        "rosgraph_msgs/msg/Clock",
        "/clock",
        { qos: makeQos(rcl, 1, "best_effort") },
        (message: ClockMessage) => this.#receive(message),
      );
    };
  }

  /** Follows /clock from now on. To be called once, because the node is made without simulated time. */
  follow(rcl: Rcl): void {
    this.#node.setParameter(new rcl.Parameter("use_sim_time", parameterTypes.boolean, true));
  }

  get active(): boolean {
    return this.#source.isRosTimeActive;
  }

  /** Why the time stands; undefined while it runs, or where the system's time is used. */
  get problem(): string | undefined {
    if (!this.active) return undefined;
    const silence = (performance.now() - this.#changedAt) / 1e3;
    if (silence < standsAfter) return undefined;
    const detail =
      this.#last === undefined
        ? this.#node.countPublishers("/clock") === 0
          ? "nobody publishes /clock"
          : "no message arrived on /clock"
        : `/clock stands for ${silence.toFixed(0)} s (the simulation or the recording is paused or over)`;
    return new GraspGroundingError("ROS_CLOCK", { detail }).message;
  }

  #receive(message: ClockMessage): void {
    const { sec, nanosec } = message.clock;
    if (sec !== this.#last?.sec || nanosec !== this.#last.nanosec) this.#changedAt = performance.now();
    this.#last = { sec, nanosec };
    this.#source._clockCallback(message);
  }
}
