import { type ControllerReading, type MonotonicSeconds, systemClock } from "../../arm/index.js";
import { type Seconds, secondsBetween } from "../../geometry/index.js";
import { decoderFor, type Header, stampOf } from "../../messages/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import { TopicInput } from "../topic-input.js";

const type = "sensor_msgs/msg/JointState";
const decoder = decoderFor(type);

interface JointStateMessage {
  readonly name: readonly string[];
  readonly position: ArrayLike<number>;
  readonly velocity: ArrayLike<number>;
}

interface Joint {
  readonly position: number;
  readonly velocity: number;
  /** By the arm's clock. */
  readonly at: MonotonicSeconds;
  /** What a speed is worked out from, where the driver sends none. */
  readonly from: { readonly position: number; readonly at: MonotonicSeconds };
}

/** Joint speeds are worked out over at least this long: stamps jitter by milliseconds. */
const shortest: Seconds = 0.05;

/** joint_states of one or several publishers, joint by joint. */
export class JointStateSubscriber {
  readonly #node: RclNode;
  readonly #input: TopicInput;
  readonly #joints = new Map<string, Joint>();
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

  /** The named joints' latest state; as old as the oldest of them. Undefined until all were heard of. */
  reading(names: readonly string[]): ControllerReading | undefined {
    const joints = names.map((name) => this.#joints.get(name));
    if (!joints.every((each) => each !== undefined)) return undefined;
    return {
      at: Math.min(...joints.map(({ at }) => at)),
      positions: joints.map(({ position }) => position),
      velocities: joints.map(({ velocity }) => velocity),
    };
  }

  /** The named joints that no message has named. */
  missing(names: readonly string[]): readonly string[] {
    return names.filter((name) => !this.#joints.has(name));
  }

  position(name: string): number | undefined {
    return this.#joints.get(name)?.position;
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
    const { name, position, velocity } = message;
    if (position.length !== name.length) {
      this.#malformed++;
      return;
    }
    const at = this.#measuredAt(header);
    for (const [i, joint] of name.entries()) {
      const before = this.#joints.get(joint);
      // A message that overtook another one must not make the arm appear to go back.
      if (before !== undefined && at <= before.at) continue;
      const given = velocity[i];
      const known = given !== undefined && !Number.isNaN(given);
      this.#joints.set(joint, moved(before, position[i]!, at, known ? given : undefined));
    }
    this.onUpdate?.();
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

function moved(
  before: Joint | undefined,
  position: number,
  at: MonotonicSeconds,
  velocity: number | undefined,
): Joint {
  const here = { position, at };
  if (velocity !== undefined || before === undefined) return { ...here, velocity: velocity ?? 0, from: here };
  const { from } = before;
  const passed = at - from.at;
  if (passed < shortest) return { ...here, velocity: before.velocity, from };
  return { ...here, velocity: (position - from.position) / passed, from: here };
}
