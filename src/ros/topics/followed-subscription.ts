import type { Rcl, RclNode, RclSubscription } from "../rcl.js";
import {
  chooseDurability,
  chooseReliability,
  type Durability,
  makeQos,
  qosProblem,
  type Reliability,
  type ReliabilityChoice,
} from "./qos.js";
import { qosOverride, qosOverriding } from "./qos-overrides.js";

export interface FollowedOptions<M> {
  readonly type: string;
  readonly topic: string;
  readonly depth: number;
  readonly reliability: ReliabilityChoice;
  /** Reliability while nobody publishes; best effort, which matches every publisher, unless given. */
  readonly unknown?: Reliability;
  /** True gives messages as CDR bytes. */
  readonly raw: boolean;
  readonly onMessage: (message: M) => void;
}

/**
 * One subscription whose reliability and durability follow its publishers: it is created again when they offer
 * something
 * else. A `qos_overrides` parameter of its topic comes before both.
 */
export class FollowedSubscription<M> {
  readonly #rcl: Rcl;
  readonly #node: RclNode;
  readonly #options: FollowedOptions<M>;
  #subscription: RclSubscription | undefined;
  #reliability: Reliability | undefined;
  #durability: Durability | undefined;
  #publishers = 0;
  #problem: string | undefined;

  /** @throws GraspGroundingError ROS_PARAMETER for a `qos_overrides` value that is not allowed */
  constructor(rcl: Rcl, node: RclNode, options: FollowedOptions<M>) {
    this.#rcl = rcl;
    this.#node = node;
    this.#options = options;
    this.#overriding(this.topic);
  }

  /** Fully resolved, remappings applied. */
  get topic(): string {
    return this.#node.resolveTopicName(this.#options.topic);
  }

  get publishers(): number {
    return this.#publishers;
  }

  get reliability(): Reliability | undefined {
    return this.#reliability;
  }

  get durability(): Durability | undefined {
    return this.#durability;
  }

  /** Why messages cannot arrive, with the fix. */
  get problem(): string | undefined {
    return this.#problem;
  }

  open(): void {
    this.refresh();
  }

  close(): void {
    if (this.#subscription !== undefined) this.#node.destroySubscription(this.#subscription);
    this.#subscription = undefined;
    this.#reliability = undefined;
    this.#durability = undefined;
  }

  /** Reads the publishers' QoS and follows it. Cheap; called about once a second. */
  refresh(): void {
    const { type, reliability, unknown } = this.#options;
    const { topic } = this;
    const publishers = this.#node.getPublishersInfoByTopic(topic);
    this.#publishers = publishers.length;
    const override = (policy: "reliability" | "durability") =>
      qosOverride(this.#node, topic, "subscription", policy);
    // With nobody there the present subscription stays: the publisher may only be restarting.
    const stays = publishers.length === 0 && this.#reliability !== undefined;
    const wanted = {
      reliability:
        (override("reliability") as Reliability | undefined) ??
        (stays ? this.#reliability! : chooseReliability(reliability, publishers, unknown)),
      durability:
        (override("durability") as Durability | undefined) ??
        (stays ? this.#durability! : chooseDurability(publishers)),
    };
    this.#problem = qosProblem(topic, wanted, type, publishers);
    if (wanted.reliability === this.#reliability && wanted.durability === this.#durability) return;
    this.close();
    this.#create(topic, wanted.reliability, wanted.durability);
  }

  #create(topic: string, reliability: Reliability, durability: Durability): void {
    const { type, depth, raw, onMessage } = this.#options;
    this.#reliability = reliability;
    this.#durability = durability;
    this.#subscription = this.#node.createSubscription(
      type,
      this.#options.topic,
      {
        isRaw: raw,
        qos: makeQos(this.#rcl, depth, reliability, durability === "transient_local"),
        qosOverridingOptions: this.#overriding(topic),
      },
      onMessage,
    );
  }

  #overriding(topic: string): unknown {
    return qosOverriding(this.#rcl, this.#node, topic, "subscription", ["reliability", "durability"]);
  }
}
