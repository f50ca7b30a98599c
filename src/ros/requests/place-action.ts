import { asCatalogued } from "../../errors/index.js";
import { isStopOrder } from "../../grounding/index.js";
import type { RclGoalHandle } from "../rcl.js";
import { groundingMessage, placeMessages, requestIds } from "../results/result-messages.js";
import { GoalServer, type GoalServerDependencies, idOf } from "./goal-server.js";
import { actionOrigin } from "./origin.js";
import { putDown } from "./put-down.js";

interface Goal {
  readonly query: string;
  readonly execute: boolean;
  readonly timeout: number;
  readonly client: string;
}

/** The action ~/place: finds a free place for what the gripper holds and, when asked and allowed, puts it there. */
export class PlaceAction extends GoalServer {
  constructor(dependencies: GoalServerDependencies) {
    super(dependencies, "grasp_grounding_interfaces/action/Place", "~/place");
  }

  protected async run(goal: RclGoalHandle): Promise<unknown> {
    const request = goal.request as unknown as Goal;
    if (isStopOrder(request.query))
      return this.settle(goal, { ...empty, success: true, message: this.dependencies.stop(request.query) });
    const abort = this.begin(goal);
    const result = await this.#handle(goal, request, abort).catch((error: unknown) => ({
      success: false,
      message: asCatalogued(error).message,
    }));
    this.ended(goal);
    const early = abort.signal.aborted ? String(abort.signal.reason) : undefined;
    const success = result.success && early === undefined;
    const message =
      early === undefined || result.message === early ? result.message : `${early}; ${result.message}`;
    return this.settle(goal, { ...empty, ...result, success, message });
  }

  async #handle(goal: RclGoalHandle, { query, execute, timeout, client }: Goal, abort: AbortController) {
    const id = idOf(goal);
    const resources = this.dependencies.resources();
    const { arm } = resources;
    const refused = execute
      ? this.executeRefusal(arm, (one) =>
          one.holds ? one.refusal() : "nothing was taken that could be put down",
        )
      : undefined;
    if (refused !== undefined) throw refused;
    const watch = execute ? this.watchClient(abort) : undefined;
    try {
      const { success, message, answer, places } = await putDown(this.dependencies, resources, arm, {
        text: query,
        execute,
        timeout,
        client: client || `~/place ${id}`,
        origin: actionOrigin(id),
        operator: `~/place goal ${id}`,
        signal: abort.signal,
        feedback: (stage, progress) => this.feedback(goal, { stage, progress }),
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
}

/** What a result has where nothing was looked for. */
const empty = { grounding: {}, places: [] };
