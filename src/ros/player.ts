import { describe } from "../errors/index.js";
import type { Stamp } from "../geometry/index.js";
import { timeOf } from "../messages/index.js";
import { loadRcl, type Rcl, type RclNode, type RclPublisher } from "./rcl.js";
import { makeQos } from "./topics/qos.js";

/** A topic to publish on. */
export interface PlayedTopic {
  readonly name: string;
  /** e.g. `sensor_msgs/msg/Image` */
  readonly type: string;
  /** Late subscribers get the last message (transient local), as of /tf_static. */
  readonly transientLocal?: boolean;
}

/** Seconds without a new subscriber after which discovery counts as finished. */
const settled = 0.5;

/** Publishes recorded messages and results as serialised bytes, and a clock that simulated time follows. */
export class Player {
  /** Topics that cannot be published here, and why: their types are not installed. */
  readonly missing: readonly string[];
  readonly #rcl: Rcl;
  readonly #node: RclNode;
  readonly #clock: RclPublisher;
  readonly #publishers: ReadonlyMap<string, RclPublisher>;

  private constructor(
    rcl: Rcl,
    node: RclNode,
    clock: RclPublisher,
    publishers: ReadonlyMap<string, RclPublisher>,
    missing: readonly string[],
  ) {
    this.#rcl = rcl;
    this.#node = node;
    this.#clock = clock;
    this.#publishers = publishers;
    this.missing = missing;
  }

  /** @throws GraspGroundingError ROS_MISSING */
  static async open(topics: readonly PlayedTopic[], rosArgs: readonly string[] = []): Promise<Player> {
    const rcl = await loadRcl();
    rcl.removeSignalHandlers();
    await rcl.init(undefined, [process.argv[0]!, "grasp_grounding_replay", ...rosArgs]);
    const node = new rcl.Node("grasp_grounding_replay");
    const publishers = new Map<string, RclPublisher>();
    const missing: string[] = [];
    for (const { name, type, transientLocal = false } of topics) {
      try {
        const qos = makeQos(rcl, transientLocal ? 100 : 10, "reliable", transientLocal);
        publishers.set(name, node.createPublisher(type, name, { qos }));
      } catch (error) {
        missing.push(`${name} (${type}): ${describe(error).split("\n", 1)[0]}`);
      }
    }
    const clock = node.createPublisher("rosgraph_msgs/msg/Clock", "/clock", {
      qos: makeQos(rcl, 1, "best_effort"),
    });
    node.spin();
    return new Player(rcl, node, clock, publishers, missing);
  }

  /**
   * Waits until a topic or the clock has a subscriber and no more are discovered for a while, or until the time is
   * over: messages sent before are lost, and subscribers are discovered one topic after the other.
   */
  async listeners(seconds: number, signal?: AbortSignal): Promise<boolean> {
    const end = performance.now() + seconds * 1e3;
    const count = (): number =>
      [...this.#publishers.values(), this.#clock].reduce(
        (sum, { topic }) => sum + this.#node.countSubscribers(topic),
        0,
      );
    let known = 0;
    let since = performance.now();
    while (known === 0 || performance.now() - since < settled * 1e3) {
      if (signal?.aborted || performance.now() > end) return known > 0;
      await new Promise((resolve) => setTimeout(resolve, 50));
      const now = count();
      if (now !== known) since = performance.now();
      known = now;
    }
    return true;
  }

  /** False for a topic that is not published. */
  publish(topic: string, cdr: Uint8Array): boolean {
    const publisher = this.#publishers.get(topic);
    if (publisher === undefined) return false;
    publisher.publish(Buffer.from(cdr.buffer, cdr.byteOffset, cdr.byteLength));
    return true;
  }

  clock(time: Stamp): void {
    this.#clock.publish({ clock: timeOf(time) });
  }

  async close(): Promise<void> {
    // The last messages have not reached their subscribers yet.
    await new Promise((resolve) => setTimeout(resolve, 200));
    this.#node.stop();
    this.#node.destroy();
    if (!this.#rcl.isShutdown()) this.#rcl.shutdown();
  }
}
