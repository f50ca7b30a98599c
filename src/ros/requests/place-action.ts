import { asCatalogued, GraspGroundingError } from "../../errors/index.js";
import { isStopOrder } from "../../grounding/index.js";
import { guardActionServer } from "../guard.js";
import type { Rcl, RclGoalHandle } from "../rcl.js";
import { groundingMessage, placeMessages, requestIds } from "../results/result-messages.js";
import { actionOrigin } from "./origin.js";
import { putDown } from "./put-down.js";
import type { RequestDependencies } from "./requests.js";

const type = "grasp_grounding_interfaces/action/Place";

export interface PlaceActionDependencies extends RequestDependencies {
  readonly rcl: Rcl;
}

interface Goal {
  readonly query: string;
  readonly execute: boolean;
  readonly timeout: number;
  readonly client: string;
}

/** The action ~/place: finds a free place for what the gripper holds and, when asked and allowed, puts it there. */
export class PlaceAction {
  readonly #dependencies: PlaceActionDependencies;
  readonly #server: { destroy(): void };
  /** Running goals; the signal's reason says why one ends early. */
  readonly #running = new Map<RclGoalHandle, AbortController>();
  readonly #ends = new Set<Promise<unknown>>();
  readonly #name: string;
  readonly #resultType: new (
    fields: object,
  ) => unknown;

  constructor(dependencies: PlaceActionDependencies) {
    this.#dependencies = dependencies;
    const { rcl, node, onError } = dependencies;
    this.#resultType = (rcl.require(type) as { Result: new (fields: object) => unknown }).Result;
    // Resolved here, because rcl applies no remapping of an action's own name.
    this.#name = node.resolveTopicName("~/place");
    this.#server = new rcl.ActionServer(
      node,
      type,
      this.#name,
      (goal) => this.#track(this.#run(goal)),
      () => rcl.GoalResponse.ACCEPT,
      (goal) => goal.execute(),
      (goal) => {
        if (!goal.isActive) return rcl.CancelResponse.REJECT;
        // The goal becomes "canceling" only after this returns; ending it before would be an invalid transition.
        setImmediate(() => this.#running.get(goal)?.abort("cancelled"));
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

  #track<T>(work: Promise<T>): Promise<T> {
    this.#ends.add(work);
    return work.finally(() => this.#ends.delete(work));
  }

  async #run(goal: RclGoalHandle): Promise<unknown> {
    const abort = new AbortController();
    const request = goal.request as unknown as Goal;
    if (isStopOrder(request.query)) {
      const message = this.#dependencies.stop(request.query);
      goal.succeed();
      return this.#result({ success: true, message });
    }
    this.#running.set(goal, abort);
    const result = await this.#handle(goal, request, abort).catch((error: unknown) => ({
      success: false,
      message: asCatalogued(error).message,
    }));
    this.#running.delete(goal);
    const early = abort.signal.aborted ? String(abort.signal.reason) : undefined;
    const success = result.success && early === undefined;
    if (goal.isActive) {
      if (success) goal.succeed();
      else if (goal.isCancelRequested) goal.canceled();
      else goal.abort();
    }
    const message =
      early === undefined || result.message === early ? result.message : `${early}; ${result.message}`;
    return this.#result({ ...result, success, message });
  }

  readonly #result = (fields: object): unknown =>
    new this.#resultType({ grounding: {}, places: [], ...fields });

  async #handle(goal: RclGoalHandle, { query, execute, timeout, client }: Goal, abort: AbortController) {
    const id = Buffer.from(goal.goalId.uuid).toString("hex", 0, 4);
    const resources = this.#dependencies.resources();
    const { arm } = resources;
    const refused = this.#refusal(execute, arm);
    if (refused !== undefined) throw refused;
    const watch = execute ? this.#watchClient(abort) : undefined;
    try {
      const { success, message, answer, places } = await putDown(this.#dependencies, resources, arm, {
        text: query,
        execute,
        timeout,
        client: client || `~/place ${id}`,
        origin: actionOrigin(id),
        operator: `~/place goal ${id}`,
        signal: abort.signal,
        feedback: (stage, progress) => {
          if (goal.isActive && !goal.isCancelRequested) goal.publishFeedback({ stage, progress });
        },
      });
      const { finished, result, origin } = answer;
      const identified = { result, origin, ids: requestIds(result, origin) };
      return {
        success,
        message,
        grounding: groundingMessage(finished.done, identified, [], "", finished.skew),
        places: placeMessages(finished.done, places),
      };
    } finally {
      clearInterval(watch);
    }
  }

  /** A motion whose client is gone can no longer be cancelled, so it must not go on. */
  #watchClient(abort: AbortController): NodeJS.Timeout {
    const { node } = this.#dependencies;
    const topic = node.resolveTopicName(`${this.#name}/_action/feedback`);
    return setInterval(() => {
      if (node.countSubscribers(topic) === 0) abort.abort("the goal's client is gone");
    }, 100);
  }

  #refusal(
    execute: boolean,
    arm: { readonly holds: boolean; refusal(): string | undefined } | undefined,
  ): GraspGroundingError | undefined {
    if (!execute) return undefined;
    const detail = !this.#dependencies.parameters().allow_execute
      ? "the parameter allow_execute is off"
      : arm === undefined
        ? "this node has no arm"
        : arm.holds
          ? arm.refusal()
          : "nothing was taken that could be put down";
    return detail === undefined ? undefined : new GraspGroundingError("EXECUTE_REFUSED", { detail });
  }
}
