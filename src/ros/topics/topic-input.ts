import { type Seconds, type Stamp, secondsBetween } from "../../geometry/index.js";
import { type Header, stampOf } from "../../messages/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import { peekHeader } from "./cdr.js";
import { FollowedSubscription } from "./followed-subscription.js";
import type { Durability, Reliability, ReliabilityChoice } from "./qos.js";

export interface TopicInputOptions {
  readonly type: string;
  readonly topic: string;
  readonly depth: number;
  readonly reliability: ReliabilityChoice;
  /** Called with the message's CDR bytes, which are the receiver's own. */
  readonly onMessage: (cdr: Uint8Array, header: Header) => void;
}

/** A raw subscription that follows its publishers. Messages stay CDR bytes; only their header is read. */
export class TopicInput {
  readonly #node: RclNode;
  readonly #options: TopicInputOptions;
  readonly #subscription: FollowedSubscription<Buffer>;
  #received = 0;
  #malformed = 0;
  #lastArrival: number | undefined;
  #lastAge: Seconds | undefined;
  #frameId: string | undefined;
  #stamps: Stamp[] = [];

  /** @throws GraspGroundingError ROS_PARAMETER for a `qos_overrides` value that is not allowed */
  constructor(rcl: Rcl, node: RclNode, options: TopicInputOptions) {
    this.#node = node;
    this.#options = options;
    this.#subscription = new FollowedSubscription(rcl, node, {
      ...options,
      raw: true,
      onMessage: (cdr) => this.#receive(cdr),
    });
  }

  /** Fully resolved, remappings applied. */
  get topic(): string {
    return this.#subscription.topic;
  }

  get received(): number {
    return this.#received;
  }

  /** Messages whose header could not be read. */
  get malformed(): number {
    return this.#malformed;
  }

  get publishers(): number {
    return this.#subscription.publishers;
  }

  get reliability(): Reliability | undefined {
    return this.#subscription.reliability;
  }

  get durability(): Durability | undefined {
    return this.#subscription.durability;
  }

  /** Why messages cannot arrive, with the fix. */
  get problem(): string | undefined {
    return this.#subscription.problem;
  }

  /** Seconds since the last message, by the steady clock. */
  get silence(): Seconds | undefined {
    return this.#lastArrival === undefined ? undefined : (performance.now() - this.#lastArrival) / 1e3;
  }

  /** Age of the last message's stamp when it arrived, by the node's clock; negative for a stamp of the future. */
  get lastAge(): Seconds | undefined {
    return this.#lastAge;
  }

  /** Frame id of the last message. */
  get frameId(): string | undefined {
    return this.#frameId;
  }

  /** Stamps of the last messages, at most 128, in the order of their arrival. */
  get stamps(): readonly Stamp[] {
    return this.#stamps;
  }

  open(): void {
    this.#subscription.open();
  }

  close(): void {
    this.#subscription.close();
    this.#stamps = [];
    this.#lastAge = undefined;
    this.#frameId = undefined;
    this.#lastArrival = undefined;
  }

  /** Reads the publishers' QoS and follows it. Cheap; called about once a second. */
  refresh(): void {
    this.#subscription.refresh();
  }

  #receive(cdr: Buffer): void {
    this.#received++;
    this.#lastArrival = performance.now();
    let header: Header;
    try {
      header = peekHeader(cdr);
    } catch {
      this.#malformed++;
      return;
    }
    const stamp = stampOf(header.stamp);
    this.#lastAge = secondsBetween(this.#node.now().nanoseconds, stamp);
    this.#frameId = header.frame_id;
    this.#stamps.push(stamp);
    if (this.#stamps.length > 128) this.#stamps.shift();
    this.#options.onMessage(cdr, header);
  }
}
