import { asCatalogued, GraspGroundingError } from "../../errors/index.js";
import type { FrameId, Seconds, Stamp } from "../../geometry/index.js";
import { cleanQuery, isStopOrder } from "../../grounding/index.js";
import { headerOf } from "../../messages/index.js";
import type { NodeResources } from "../node-resources.js";
import type { RclGoalHandle } from "../rcl.js";
import { graspMessage, groundingMessage, requestIds } from "../results/result-messages.js";
import { stopAnswer } from "../results/stop-answer.js";
import type { Answer } from "../scheduler.js";
import {
  clientCancelled,
  clientGone,
  GoalServer,
  type GoalServerDependencies,
  idOf,
  watchPeriodMs,
} from "./goal-server.js";
import { actionOrigin } from "./origin.js";
import type { ArmAnswer, ArmPort, ArmRequest } from "./ports.js";
import { putDown, secondHalf } from "./put-down.js";
import { requestTimeout } from "./requests.js";

interface Goal {
  readonly query: string;
  readonly execute: boolean;
  readonly timeout: number;
  readonly target_frame: string;
  readonly client: string;
}

interface Result {
  readonly success: boolean;
  readonly message: string;
  readonly attempts?: readonly string[];
}

type Feedback = (stage: string, progress: number, more?: object) => void;

/**
 * The action ~/grasp: ground, plan and, when asked and allowed, execute. Refuses goals while the node is not active.
 */
export class GraspAction extends GoalServer {
  constructor(dependencies: GoalServerDependencies) {
    super(dependencies, "grasp_grounding_interfaces/action/Grasp", "~/grasp");
  }

  protected async run(goal: RclGoalHandle): Promise<unknown> {
    const request = goal.request as unknown as Goal;
    // Before it counts as a running goal, which an order to stop ends.
    if (isStopOrder(request.query)) return this.#end(goal, undefined, this.#stopOrder(request.query, goal));
    const controller = this.begin(goal);
    const feedback: Feedback = (stage, progress, more = {}) =>
      this.feedback(goal, { stage, progress, ...more });
    try {
      const id = idOf(goal);
      const result = await this.#handle(request, id, controller, feedback);
      // The result names the arm's state: a goal that ended early is no proof that the arm stands.
      const told = request.execute && !result.success ? result.message : undefined;
      return this.#end(goal, controller.signal, result, told);
    } catch (error) {
      return this.#end(goal, controller.signal, { success: false, message: asCatalogued(error).message });
    } finally {
      this.ended(goal);
    }
  }

  #stopOrder(query: string, goal: RclGoalHandle): Result & { readonly grounding: object } {
    const message = this.dependencies.stop(query);
    return { success: true, message, grounding: stopAnswer(query, actionOrigin(idOf(goal)), message) };
  }

  /** Puts the goal into its last state. @param told the arm's state, for a goal that ended early */
  #end(goal: RclGoalHandle, signal: AbortSignal | undefined, result: Result, told?: string): unknown {
    const early = signal?.aborted === true ? String(signal.reason) : undefined;
    const message =
      early === undefined
        ? result.message
        : told === undefined || early === clientCancelled
          ? (told ?? early)
          : `${early}; ${told}`;
    const success = result.success && early === undefined;
    return this.settle(goal, { grounding: {}, grasps: [], attempts: [], ...result, success, message });
  }

  async #handle(goal: Goal, id: string, abort: AbortController, feedback: Feedback) {
    const { parameters, node, clarifications } = this.dependencies;
    const arrived = node.now().nanoseconds;
    const resources = this.dependencies.resources();
    const { arm } = resources;
    const refused = goal.execute ? this.executeRefusal(arm, (one) => one.refusal()) : undefined;
    if (refused !== undefined) throw refused;
    feedback("waiting_for_frame", 0);
    const { service_timeout, clarify_timeout } = parameters();
    const asked = cleanQuery(goal.query);
    let query = asked;
    const ask = (notBefore: Stamp | undefined, timeout: Seconds, onStart?: () => void): Promise<Answer> =>
      clarifications.answer(resources.scheduler, {
        query,
        // A goal of nobody's is a client of its own: the reply to its question means it.
        client: goal.client || `~/grasp ${id}`,
        origin: actionOrigin(id),
        timeout,
        needDepth: true,
        scenePoints: goal.execute,
        ...(notBefore !== undefined && { notBefore }),
        ...(onStart !== undefined && { onStart }),
        signal: abort.signal,
        replyTimeout: clarify_timeout,
        onQuestion: (question, labels) =>
          feedback("clarifying", 0.3, { question, question_labels: [...labels] }),
        onDecision: (reply) => {
          query = reply;
        },
      });
    // What is moved for must be seen as it stands now, not as it stood before the goal or the last motion.
    const notBefore = goal.execute ? arrived : undefined;
    const answer = await ask(notBefore, requestTimeout(goal.timeout, service_timeout), () =>
      feedback("grounding", 0.1),
    );
    feedback("transforming", goal.execute ? 0.5 : 0.9);
    const frame = goal.target_frame || parameters().target_frame;
    const base = await this.#described(answer, resources, frame);
    const { reason, ...described } = base;
    const elsewhere = goal.execute && arm?.mayLookElsewhere(answer.finished.done.frameId) === true;
    const sought = query === asked ? asked : (answer.result.command?.targets[0]?.phrase ?? query);
    if (!answer.result.found && !elsewhere)
      return { ...described, success: false, message: `"${sought}" is not in the image` };
    if (described.grasps.length === 0 && !elsewhere) return { ...described, success: false, message: reason };
    if (!goal.execute || arm === undefined || abort.signal.aborted)
      return { ...described, success: true, message: `${described.grasps.length} grasps planned` };
    const unsure = answer.result.found ? this.#uncertain(answer, sought) : undefined;
    if (unsure !== undefined) return { ...described, success: false, message: unsure.message };
    const look = () => ask(node.now().nanoseconds, service_timeout);
    const lookElsewhere = async () => {
      const seen = await clarifications.unasked(resources.scheduler, {
        query,
        client: goal.client || `~/grasp ${id}`,
        origin: actionOrigin(id),
        timeout: service_timeout,
        needDepth: true,
        scenePoints: true,
        notBefore: node.now().nanoseconds,
        signal: abort.signal,
      });
      // Where the first image shows the object, its place decides which one it is.
      const other = answer.result.found ? undefined : seen.result.found && this.#uncertain(seen, sought);
      if (other) throw other;
      return seen;
    };
    const { answer: last, ...ended } = await this.#execute(
      arm,
      { answer, look, lookElsewhere, operator: `~/grasp goal ${id}` },
      abort,
      feedback,
    );
    const { reason: _, ...seen } = last === answer ? base : await this.#described(last, resources, frame);
    const destination = answer.result.command && secondHalf(answer.result.command);
    if (!ended.success || destination === undefined || abort.signal.aborted) return { ...seen, ...ended };
    return { ...seen, ...ended, ...(await this.#putDown(arm, destination, goal, id, abort, feedback)) };
  }

  /** Why the arm does not move for an object that may be another than the one that was asked for. */
  #uncertain({ result }: Answer, query: string): GraspGroundingError | undefined {
    const { execute_min_score: least } = this.dependencies.parameters();
    const score = result.objects[0]?.score ?? 0;
    if (score >= least) return undefined;
    return new GraspGroundingError("UNCERTAIN_OBJECT", {
      query,
      // Rounded down: 0.699 must not read as 0.7 when the limit is 0.7.
      score: (Math.floor(score * 100) / 100).toFixed(2),
      least,
    });
  }

  /** What was found and its grasps, as the result has them, and why there are no grasps. */
  async #described(answer: Answer, resources: NodeResources, frame: FrameId) {
    const { finished, result, origin } = answer;
    const placed = await resources.place(answer, frame);
    const header = headerOf(finished.done.stamp, finished.done.frameId);
    const identified = { result, origin, ids: requestIds(result, origin) };
    return {
      grounding: groundingMessage(finished.done, identified, placed.grasps, placed.reason, finished.skew),
      grasps: placed.grasps.map((each) => graspMessage(header, each)),
      reason: placed.reason,
    };
  }

  async #execute(
    arm: ArmPort,
    request: Pick<ArmRequest, "answer" | "look" | "lookElsewhere" | "operator">,
    abort: AbortController,
    feedback: Feedback,
  ): Promise<ArmAnswer> {
    // A new client's subscription may be discovered after its goal has come.
    const end = performance.now() + discoveryMs;
    while (!this.hasClient() && !abort.signal.aborted && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, watchPeriodMs));
    if (!this.hasClient()) abort.abort(clientGone);
    if (abort.signal.aborted)
      return { success: false, message: "the arm did not move", attempts: [], answer: request.answer };
    const watch = this.watchClient(abort);
    const { tf_timeout: tfTimeout, max_attempts: maxAttempts } = this.dependencies.parameters();
    try {
      return await arm.execute({
        ...request,
        tfTimeout,
        maxAttempts,
        signal: abort.signal,
        onStage: (stage, part, attempt) => feedback(stage, 0.5 + part / 2, { attempt }),
      });
    } finally {
      clearInterval(watch);
    }
  }

  /** The second half of a command that takes an object and puts it down. */
  async #putDown(
    arm: ArmPort,
    text: string,
    { timeout }: Goal,
    id: string,
    abort: AbortController,
    feedback: Feedback,
  ): Promise<Result> {
    const watch = this.watchClient(abort);
    const origin = actionOrigin(id);
    const operator = `~/grasp goal ${id}`;
    const { signal } = abort;
    const rest = {
      text,
      execute: true,
      timeout,
      client: `${operator}: place`,
      origin,
      operator,
      signal,
      feedback,
    };
    try {
      const { success, message } = await putDown(this.dependencies, this.dependencies.resources(), arm, rest);
      return { success, message: success ? message : `the object was taken and is held; ${message}` };
    } catch (error) {
      const { message } = asCatalogued(error);
      return { success: false, message: `the object was taken and is held; ${message}` };
    } finally {
      clearInterval(watch);
    }
  }
}

/** How long a goal's client may take to be discovered. */
const discoveryMs = 2_000;
