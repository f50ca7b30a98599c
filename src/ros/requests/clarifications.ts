import { GraspGroundingError } from "../../errors/index.js";
import type { Seconds } from "../../geometry/index.js";
import type { Rcl, RclNode } from "../rcl.js";
import type { Answer, RequestOptions, Scheduler } from "../scheduler.js";
import { FollowedSubscription } from "../topics/followed-subscription.js";

export interface ClarificationDependencies {
  readonly rcl: Rcl;
  readonly node: RclNode;
  /** Sees every reply first. @returns whether it was no reply but an order to stop */
  readonly stops: (text: string) => boolean;
  /** Takes a reply that no goal waits for: it is about the topics' own query. */
  readonly onReply: (text: string) => void;
}

/** A request that an abort cancels. */
export interface ClarifiedRequest extends RequestOptions {
  readonly signal: AbortSignal;
  /** How long a reply may take. */
  readonly replyTimeout: Seconds;
  /** Called with each question. */
  readonly onQuestion: (question: string, labels: readonly string[]) => void;
  /** Called with a reply that may put another object in the place of the one asked for: ask it for further looks. */
  readonly onDecision?: (reply: string) => void;
}

/** Replies on ~/clarify (std_msgs/String): for the goal that asked last, or for the topics' own query. */
export class Clarifications {
  readonly #dependencies: ClarificationDependencies;
  readonly #topic: FollowedSubscription<{ data: string }>;
  /** Goals that wait for a reply, the one that asked last at the end. */
  #waiting: ((reply: string) => void)[] = [];

  constructor(dependencies: ClarificationDependencies) {
    this.#dependencies = dependencies;
    const { rcl, node } = dependencies;
    this.#topic = new FollowedSubscription(rcl, node, {
      type: "std_msgs/msg/String",
      topic: "~/clarify",
      depth: 10,
      reliability: "auto",
      unknown: "reliable",
      raw: false,
      onMessage: ({ data }: { data: string }) => this.#onReply(data),
    });
    this.#topic.open();
  }

  /** Follows the publishers' QoS. */
  refresh(): void {
    this.#topic.refresh();
  }

  /**
   * The answer to a request; where it asks back, the one after the reply.
   * @throws GraspGroundingError FRAME_TIMEOUT, NO_REPLY, or the pipeline's refusal of a query
   */
  async answer(scheduler: Scheduler, request: ClarifiedRequest): Promise<Answer> {
    const { signal, onQuestion, onDecision, replyTimeout } = request;
    let answer = await unlessAborted(scheduler.request(request), signal);
    for (;;) {
      const { question } = answer.result;
      if (question === undefined) return answer;
      onQuestion(question.text, question.labels);
      const query = await this.#reply(question.text, replyTimeout, signal);
      if (question.labels.length === 0) onDecision?.(query);
      answer = await unlessAborted(scheduler.request({ ...request, query }), signal);
    }
  }

  /** The answer to a request, whatever it asks back. @throws GraspGroundingError FRAME_TIMEOUT */
  unasked(scheduler: Scheduler, request: RequestOptions & { readonly signal: AbortSignal }): Promise<Answer> {
    return unlessAborted(scheduler.request(request), request.signal);
  }

  /** @throws GraspGroundingError NO_REPLY */
  #reply(question: string, seconds: Seconds, signal: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        this.#waiting = this.#waiting.filter((each) => each !== take);
      };
      const take = (reply: string): void => {
        end();
        resolve(reply);
      };
      const fail = (): void => {
        end();
        reject(new GraspGroundingError("NO_REPLY", { question, seconds }));
      };
      const abort = fail;
      const timer = setTimeout(fail, seconds * 1e3);
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.push(take);
      if (signal.aborted) fail();
    });
  }

  #onReply(text: string): void {
    if (this.#dependencies.stops(text)) return;
    const goal = this.#waiting.at(-1);
    if (goal === undefined) this.#dependencies.onReply(text);
    else goal(text);
  }
}

/** The answer of a request, which an abort cancels. */
async function unlessAborted(
  request: { readonly answer: Promise<Answer>; readonly cancel: () => void },
  signal: AbortSignal,
): Promise<Answer> {
  signal.addEventListener("abort", request.cancel, { once: true });
  if (signal.aborted) request.cancel();
  try {
    return await request.answer;
  } finally {
    signal.removeEventListener("abort", request.cancel);
  }
}
