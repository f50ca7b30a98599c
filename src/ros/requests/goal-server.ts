import { GraspGroundingError } from "../../errors/index.js";
import { guardActionServer } from "../guard.js";
import type { Rcl, RclGoalHandle } from "../rcl.js";
import type { RequestDependencies } from "./requests.js";

export interface GoalServerDependencies extends RequestDependencies {
  readonly rcl: Rcl;
}

type GoalResult = { readonly success: boolean } & Readonly<Record<string, unknown>>;

type ResultType = new (fields: object) => unknown;

/** The server of one action: its running goals, their cancellation and their last states. */
export abstract class GoalServer {
  protected readonly dependencies: GoalServerDependencies;
  readonly #server: { destroy(): void };
  /** Resolved here, because rcl applies no remapping of an action's own name. */
  readonly #name: string;
  /** Running goals; the signal's reason says why one ends early. */
  readonly #running = new Map<RclGoalHandle, AbortController>();
  readonly #ends = new Set<Promise<unknown>>();
  readonly #resultType: ResultType;

  /**
   * @param type the action's, with its package
   * @param name private, such as ~/grasp
   */
  constructor(dependencies: GoalServerDependencies, type: string, name: string) {
    this.dependencies = dependencies;
    const { rcl, node, onError } = dependencies;
    this.#resultType = (rcl.require(type) as { Result: ResultType }).Result;
    this.#name = node.resolveTopicName(name);
    this.#server = new rcl.ActionServer(
      node,
      type,
      this.#name,
      (goal) => this.#track(this.run(goal)),
      () => rcl.GoalResponse.ACCEPT,
      (goal) => goal.execute(),
      (goal) => {
        if (!goal.isActive) return rcl.CancelResponse.REJECT;
        // The goal becomes "canceling" only after this returns; ending it before would be an invalid transition.
        setImmediate(() => this.#running.get(goal)?.abort(clientCancelled));
        return rcl.CancelResponse.ACCEPT;
      },
    );
    guardActionServer(this.#server, onError);
  }

  get active(): number {
    return this.#running.size;
  }

  /** Ends every running goal as aborted, with the reason. */
  stop(reason: string): void {
    for (const controller of this.#running.values()) controller.abort(reason);
  }

  /** Resolves when no goal runs any more. */
  async idle(): Promise<void> {
    while (this.#ends.size > 0) await Promise.allSettled(this.#ends);
  }

  close(): void {
    this.stop("the node is shutting down");
    this.#server.destroy();
  }

  /** Carries out a goal. @returns its result, by {@link settle} */
  protected abstract run(goal: RclGoalHandle): Promise<unknown>;

  /** Counts a goal as running, which an order to stop ends. */
  protected begin(goal: RclGoalHandle): AbortController {
    const controller = new AbortController();
    this.#running.set(goal, controller);
    return controller;
  }

  protected ended(goal: RclGoalHandle): void {
    this.#running.delete(goal);
  }

  protected feedback(goal: RclGoalHandle, fields: object): void {
    if (goal.isActive && !goal.isCancelRequested) goal.publishFeedback(fields);
  }

  /** Puts a goal into its last state. @returns its result */
  protected settle(goal: RclGoalHandle, fields: GoalResult): unknown {
    // A goal that a client cancels while it ends is in the cancelling state, from which only canceled and succeed lead
    // on.
    if (goal.isActive) {
      if (fields.success) goal.succeed();
      else if (goal.isCancelRequested) goal.canceled();
      else goal.abort();
    }
    return new this.#resultType(fields);
  }

  /** A motion whose client is gone can no longer be cancelled, so it must not go on. */
  protected watchClient(abort: AbortController): NodeJS.Timeout {
    return setInterval(() => {
      if (!this.hasClient()) abort.abort(clientGone);
    }, watchPeriodMs);
  }

  protected hasClient(): boolean {
    const { node } = this.dependencies;
    return node.countSubscribers(node.resolveTopicName(`${this.#name}/_action/feedback`)) > 0;
  }

  /** Why no arm may be moved now; undefined when one may. @param why what the arm itself has against it */
  protected executeRefusal<A>(
    arm: A | undefined,
    why: (arm: A) => string | undefined,
  ): GraspGroundingError | undefined {
    const detail = !this.dependencies.parameters().allow_execute
      ? "the parameter allow_execute is off"
      : arm === undefined
        ? "this node has no arm"
        : why(arm);
    return detail === undefined ? undefined : new GraspGroundingError("EXECUTE_REFUSED", { detail });
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#ends.add(work);
    return work.finally(() => this.#ends.delete(work));
  }
}

/** The first bytes of a goal's id, in hexadecimal digits. */
export const idOf = ({ goalId }: RclGoalHandle): string => Buffer.from(goalId.uuid).toString("hex", 0, 4);

/** How often a goal's client is looked for. */
export const watchPeriodMs = 100;

export const clientCancelled = "cancelled";
export const clientGone = "the goal's client is gone";
