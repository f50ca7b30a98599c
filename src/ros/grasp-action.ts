import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import { cleanQuery } from "../grounding/index.js";
import { headerOf } from "../messages/index.js";
import type { Parameters } from "./parameters/index.js";
import type { ArmPort } from "./ports.js";
import type { Rcl, RclGoalHandle, RclNode } from "./rcl.js";
import type { PlacedGrasps } from "./results/outputs.js";
import { graspMessage, groundingMessage } from "./results/result-messages.js";
import type { Answer, Scheduler } from "./scheduler.js";

const type = "grasp_grounding_interfaces/action/Grasp";

export interface GraspActionDependencies {
  readonly rcl: Rcl;
  readonly node: RclNode;
  readonly scheduler: Scheduler;
  readonly parameters: () => Parameters;
  readonly arm: ArmPort | undefined;
  /** Why the node cannot answer now. */
  readonly refusal: () => GraspGroundingError | undefined;
  readonly place: (answer: Answer, targetFrame: string) => Promise<PlacedGrasps>;
}

interface Goal {
  readonly query: string;
  readonly execute: boolean;
  readonly timeout: number;
  readonly target_frame: string;
}

/** The action ~/grasp: ground, plan and, when asked and allowed, execute. */
export class GraspAction {
  readonly #dependencies: GraspActionDependencies;
  readonly #server: { destroy(): void };
  readonly #running = new Map<RclGoalHandle, AbortController>();
  readonly #resultType: new (
    fields: object,
  ) => unknown;

  constructor(dependencies: GraspActionDependencies) {
    this.#dependencies = dependencies;
    const { rcl } = dependencies;
    this.#resultType = (rcl.require(type) as { Result: new (fields: object) => unknown }).Result;
    this.#server = new rcl.ActionServer(
      dependencies.node,
      type,
      "~/grasp",
      (goal) => this.#run(goal),
      () => rcl.GoalResponse.ACCEPT,
      (goal) => goal.execute(),
      (goal) => {
        // The goal becomes "canceling" only after this returns; ending it before would be an invalid transition.
        setImmediate(() => this.#running.get(goal)?.abort());
        return rcl.CancelResponse.ACCEPT;
      },
    );
  }

  get active(): number {
    return this.#running.size;
  }

  close(): void {
    this.stop();
    this.#server.destroy();
  }

  /** Ends every running goal. */
  stop(): void {
    for (const controller of this.#running.values()) controller.abort();
  }

  async #run(goal: RclGoalHandle): Promise<unknown> {
    const controller = new AbortController();
    this.#running.set(goal, controller);
    const request = goal.request as unknown as Goal;
    const feedback = (stage: string, progress: number): void => {
      if (goal.isActive && !goal.isCancelRequested) goal.publishFeedback({ stage, progress });
    };
    try {
      const operator = `~/grasp goal ${Buffer.from(goal.goalId.uuid).toString("hex", 0, 4)}`;
      const result = await this.#handle(request, operator, controller, feedback);
      if (goal.isCancelRequested) {
        // What is known of the arm is told: a cancelled goal is no proof that it stands.
        const message = request.execute && !result.success ? result.message : "cancelled";
        return this.#end(goal, "canceled", { ...result, success: false, message });
      }
      return this.#end(goal, result.success ? "succeed" : "abort", result);
    } catch (error) {
      if (controller.signal.aborted)
        return this.#end(goal, "canceled", { success: false, message: "cancelled" });
      return this.#end(goal, "abort", { success: false, message: asCatalogued(error).message });
    } finally {
      this.#running.delete(goal);
    }
  }

  #end(goal: RclGoalHandle, how: "succeed" | "abort" | "canceled", result: object): unknown {
    // A goal that a client cancels while it ends is in the cancelling state, from which only `canceled` leads on.
    if (goal.isActive)
      goal[how === "succeed" || how === "canceled" || !goal.isCancelRequested ? how : "canceled"]();
    return new this.#resultType({ success: false, message: "", grounding: {}, grasps: [], ...result });
  }

  async #handle(
    goal: Goal,
    operator: string,
    abort: AbortController,
    feedback: (stage: string, progress: number) => void,
  ) {
    const { signal } = abort;
    const { parameters, scheduler, place } = this.#dependencies;
    const arrived = this.#dependencies.node.now().nanoseconds;
    const refused = this.#dependencies.refusal() ?? this.#executeRefusal(goal);
    if (refused !== undefined) throw refused;
    const query = cleanQuery(goal.query);
    const timeout = goal.timeout > 0 ? goal.timeout : parameters().service_timeout;
    feedback("waiting_for_frame", 0);
    const request = scheduler.request({
      query,
      timeout,
      needDepth: true,
      scenePoints: goal.execute,
      // What is moved for must be seen as it stands now, not as it stood before the goal or the last motion.
      ...(goal.execute && { notBefore: arrived }),
      onStart: () => feedback("grounding", 0.1),
    });
    const cancel = (): void => request.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    let answer: Answer;
    try {
      answer = await request.answer;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
    const { finished, result } = answer;
    feedback("transforming", goal.execute ? 0.5 : 0.9);
    const placed = await place(answer, goal.target_frame || parameters().target_frame);
    const header = headerOf(finished.done.stamp, finished.done.frameId);
    const base = {
      grounding: groundingMessage(finished.done, result, placed.grasps, placed.reason, finished.skew),
      grasps: placed.grasps.map((each) => graspMessage(header, each)),
    };
    if (!result.found) return { ...base, success: false, message: `"${query}" is not in the image` };
    if (placed.grasps.length === 0) return { ...base, success: false, message: placed.reason };
    if (!goal.execute || signal.aborted)
      return { ...base, success: true, message: `${placed.grasps.length} grasps planned` };
    const watch = this.#watchClient(abort);
    try {
      const outcome = await this.#dependencies.arm!.execute({
        answer,
        operator,
        tfTimeout: parameters().tf_timeout,
        signal: abort.signal,
        onStage: (stage, part) => feedback(stage, 0.5 + part / 2),
      });
      const gone = abort.signal.reason === clientGone ? `${clientGone}; ` : "";
      return { ...base, success: outcome.success, message: gone + outcome.message };
    } finally {
      clearInterval(watch);
    }
  }

  /** A motion that nobody can cancel any more must not go on. */
  #watchClient(abort: AbortController): NodeJS.Timeout {
    const { node } = this.#dependencies;
    const topic = node.resolveTopicName("~/grasp/_action/feedback");
    return setInterval(() => {
      if (node.countSubscribers(topic) === 0) abort.abort(clientGone);
    }, 100);
  }

  #executeRefusal(goal: Goal): GraspGroundingError | undefined {
    if (!goal.execute) return undefined;
    const { arm, parameters } = this.#dependencies;
    const detail = !parameters().allow_execute
      ? "the parameter allow_execute is off"
      : arm === undefined
        ? "this node has no arm"
        : arm.refusal();
    return detail === undefined ? undefined : new GraspGroundingError("EXECUTE_REFUSED", { detail });
  }
}

const clientGone = "the goal's client is gone";
