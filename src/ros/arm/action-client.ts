import { randomBytes } from "node:crypto";
import type { Seconds } from "../../geometry/index.js";
import type { Rcl, RclActionClient, RclClient, RclGoal, RclNode } from "../rcl.js";

/** action_msgs/msg/GoalStatus */
export const goalStatus = { succeeded: 4, canceled: 5, aborted: 6 } as const;

/** How a goal ended. */
export type GoalEnd<R> =
  | { readonly how: "succeeded" | "canceled" | "aborted"; readonly result: R }
  | { readonly how: "rejected" | "unavailable" | "silent" | "gone" };

export interface GoalOptions<F> {
  /** How long the server may take to accept. */
  readonly acceptWithin: Seconds;
  /** How long the server may take to be discovered; 0 unless given. */
  readonly discoverWithin?: Seconds;
  readonly onFeedback?: (feedback: F) => void;
}

interface Running {
  readonly id: { readonly uuid: Uint8Array };
  handle: RclGoal | undefined;
  cancelled: boolean;
}

/**
 * One action server's client that can cancel at once: also a goal that is not accepted yet, and those of others.
 * Failures are answers, never exceptions.
 */
export class ActionPort<G extends object, R, F = object> {
  readonly name: string;
  readonly #client: RclActionClient;
  readonly #cancel: RclClient;
  readonly #node: RclNode;
  readonly #running = new Set<Running>();

  /** @throws Error when the action's type is not in the ROS environment */
  constructor(rcl: Rcl, node: RclNode, type: string, name: string) {
    this.#node = node;
    this.name = node.resolveTopicName(name);
    this.#client = new rcl.ActionClient(node, type, this.name);
    // Goals of unknown id can be cancelled only by the service itself.
    this.#cancel = node.createClient("action_msgs/srv/CancelGoal", `${this.name}/_action/cancel_goal`);
  }

  get available(): boolean {
    return this.#client.isActionServerAvailable();
  }

  /** Number of running goals. */
  get active(): number {
    return this.#running.size;
  }

  /** Sends a goal and waits for its end. */
  async run(goal: G, { acceptWithin, discoverWithin = 0, onFeedback }: GoalOptions<F>): Promise<GoalEnd<R>> {
    const running: Running = { id: { uuid: randomBytes(16) }, handle: undefined, cancelled: false };
    this.#running.add(running);
    try {
      if (!this.available && !(await this.#client.waitForServer(discoverWithin * 1e3)))
        return { how: "unavailable" };
      if (running.cancelled) return { how: "gone" };
      const accepted = this.#client.sendGoal(
        goal,
        (feedback) => {
          if (this.#running.has(running)) onFeedback?.(feedback as F);
        },
        running.id,
      );
      const handle = await within(accepted, acceptWithin);
      if (handle === undefined) {
        // It may still be accepted; then it must be cancelled.
        void accepted.then((late) => late.isAccepted() && late.cancelGoal()).catch(() => undefined);
        this.#order(running.id.uuid);
        return { how: "silent" };
      }
      if (!handle.isAccepted()) return { how: "rejected" };
      running.handle = handle;
      if (running.cancelled) void handle.cancelGoal().catch(() => undefined);
      return await this.#end(handle);
    } finally {
      this.#running.delete(running);
    }
  }

  /** Cancels goals of this client, before they are accepted too; with `everything` also those of others. */
  async cancel(everything = false): Promise<void> {
    const answers = [...this.#running].map((running) => {
      running.cancelled = true;
      return running.handle === undefined ? this.#order(running.id.uuid) : running.handle.cancelGoal();
    });
    if (everything) answers.push(this.#order(new Uint8Array(16)));
    await within(Promise.allSettled(answers), 1);
  }

  close(): void {
    this.#client.destroy();
    this.#node.destroyClient(this.#cancel);
  }

  async #end(handle: RclGoal): Promise<GoalEnd<R>> {
    const result = handle.getResult();
    for (;;) {
      const ended = await within(
        result.then((value) => ({ value })),
        0.1,
      );
      if (ended !== undefined) {
        const { status } = handle;
        const how =
          status === goalStatus.succeeded
            ? "succeeded"
            : status === goalStatus.canceled
              ? "canceled"
              : "aborted";
        return { how, result: ended.value as R };
      }
      if (!this.available) return { how: "gone" };
    }
  }

  /** A cancel request by id; zeros stand for all goals. */
  #order(uuid: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.#cancel.sendRequest(
        { goal_info: { goal_id: { uuid: [...uuid] }, stamp: { sec: 0, nanosec: 0 } } },
        () => resolve(),
      );
    });
  }
}

/** The promise's value, or undefined when it takes longer. Rejections pass. Leaves no timer behind. */
export async function within<T>(promise: Promise<T>, seconds: Seconds): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), seconds * 1e3);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
