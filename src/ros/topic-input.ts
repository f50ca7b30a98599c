import type { Header } from "../messages/index.js";
import { peekHeader } from "./cdr.js";
import { chooseReliability, makeQos, qosProblem, type Reliability, type ReliabilityChoice } from "./qos.js";
import type { Rcl, RclNode, RclSubscription } from "./rcl.js";

export interface TopicInputOptions {
  readonly type: string;
  readonly topic: string;
  readonly depth: number;
  readonly reliability: ReliabilityChoice;
  /** Called with the message's CDR bytes, which are the receiver's own. */
  readonly onMessage: (cdr: Uint8Array, header: Header) => void;
}

/**
 * One raw subscription whose QoS follows its publishers: it is made anew when they turn out to offer something else.
 * Messages stay CDR bytes; only their header is read.
 */
export class TopicInput {
  readonly #rcl: Rcl;
  readonly #node: RclNode;
  readonly #options: TopicInputOptions;
  #subscription: RclSubscription | undefined;
  #reliability: Reliability | undefined;
  #received = 0;
  #malformed = 0;
  #lastArrival: number | undefined;
  #publishers = 0;
  #problem: string | undefined;

  constructor(rcl: Rcl, node: RclNode, options: TopicInputOptions) {
    this.#rcl = rcl;
    this.#node = node;
    this.#options = options;
  }

  /** Fully resolved, remappings applied. */
  get topic(): string {
    return this.#node.resolveTopicName(this.#options.topic);
  }

  get received(): number {
    return this.#received;
  }

  /** Messages whose header could not be read. */
  get malformed(): number {
    return this.#malformed;
  }

  get publishers(): number {
    return this.#publishers;
  }

  get reliability(): Reliability | undefined {
    return this.#reliability;
  }

  /** Why messages cannot arrive, with the fix. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Seconds since the last message, by the steady clock. */
  get silence(): number | undefined {
    return this.#lastArrival === undefined ? undefined : (performance.now() - this.#lastArrival) / 1e3;
  }

  open(): void {
    this.refresh();
  }

  close(): void {
    if (this.#subscription !== undefined) this.#node.destroySubscription(this.#subscription);
    this.#subscription = undefined;
    this.#reliability = undefined;
  }

  /** Looks at the publishers and follows their QoS. Cheap; called about once a second. */
  refresh(): void {
    const { type, depth, reliability } = this.#options;
    const publishers = this.#node.getPublishersInfoByTopic(this.topic);
    this.#publishers = publishers.length;
    // With nobody there the present subscription stays: the publisher may only be restarting.
    const wanted =
      publishers.length === 0 && this.#reliability !== undefined
        ? this.#reliability
        : chooseReliability(reliability, publishers);
    this.#problem = qosProblem(this.topic, wanted, type, publishers);
    if (wanted === this.#reliability) return;
    this.close();
    this.#reliability = wanted;
    this.#subscription = this.#node.createSubscription(
      type,
      this.#options.topic,
      { isRaw: true, qos: makeQos(this.#rcl, depth, wanted) },
      (cdr: Buffer) => this.#receive(cdr),
    );
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
    this.#options.onMessage(cdr, header);
  }
}
