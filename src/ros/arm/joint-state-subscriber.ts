import { type ControllerReading, type MonotonicSeconds, systemClock } from "../../arm/index.js";
import { type Seconds, secondsBetween } from "../../geometry/index.js";
import { decoderFor, type Header, stampOf } from "../../messages/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import { TopicInput } from "../topics/topic-input.js";
import { type JointStateMessage, JointStates } from "./joint-states.js";

const type = "sensor_msgs/msg/JointState";
const decoder = decoderFor(type);

/** joint_states of one or several publishers, joint by joint. */
export class JointStateSubscriber {
  readonly #node: RclNode;
  readonly #input: TopicInput;
  readonly #states = new JointStates();
  #malformed = 0;
  #future = 0;
  /** Called after each message. */
  onUpdate: (() => void) | undefined;

  constructor(rcl: Rcl, node: RclNode) {
    this.#node = node;
    this.#input = new TopicInput(rcl, node, {
      type,
      topic: "joint_states",
      depth: 10,
      // Of a joint state only the newest counts, and best effort matches every publisher.
      reliability: "best_effort",
      onMessage: (cdr, header) => this.#receive(cdr, header),
    });
    this.#input.open();
  }

  get topic(): string {
    return this.#input.topic;
  }

  get received(): number {
    return this.#input.received;
  }

  get malformed(): number {
    return this.#malformed + this.#input.malformed;
  }

  /** Seconds since the last message; undefined before the first. */
  get silence(): Seconds | undefined {
    return this.#input.silence;
  }

  /** Messages whose stamp lies in the future by this node's clock. */
  get future(): number {
    return this.#future;
  }

  /** Why no joint states arrive, with the fix. */
  get problem(): string | undefined {
    if (this.#input.problem !== undefined) return this.#input.problem;
    if (this.#input.received > 0) return undefined;
    return this.#input.publishers === 0
      ? `nobody publishes ${this.topic}; start the robot's driver, or remap joint_states`
      : `no message arrived on ${this.topic} yet`;
  }

  /** See `JointStates`. */
  reading(names: readonly string[]): ControllerReading | undefined {
    return this.#states.reading(names);
  }

  /** The named joints that no message has named. */
  missing(names: readonly string[]): readonly string[] {
    return this.#states.missing(names);
  }

  position(name: string): number | undefined {
    return this.#states.position(name);
  }

  /** About once a second: follows publishers. */
  refresh(): void {
    this.#input.refresh();
  }

  close(): void {
    this.#input.close();
  }

  #receive(cdr: Uint8Array, header: Header): void {
    let message: JointStateMessage;
    try {
      message = decoder.decode<JointStateMessage>(cdr);
    } catch {
      this.#malformed++;
      return;
    }
    if (this.#states.add(message, this.#measuredAt(header))) this.onUpdate?.();
    else this.#malformed++;
  }

  /**
   * Old states that something sends again must not count as fresh, so the stamp decides as long as it is not in the
   * future; a zero stamp says nothing.
   */
  #measuredAt({ stamp }: Header): MonotonicSeconds {
    const arrived = systemClock.now();
    if (stamp.sec === 0 && stamp.nanosec === 0) return arrived;
    const age = secondsBetween(stampOf(stamp), this.#node.now().nanoseconds);
    if (age < -0.05) this.#future++;
    return arrived - Math.max(0, age);
  }
}
