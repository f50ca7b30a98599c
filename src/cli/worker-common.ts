import type { BackendReport } from "../inference/index.js";
import { readKeyFile, readPublicKeys, workerStates } from "../inference/zmq/index.js";
import type { Metrics } from "../metrics/index.js";
import type { BackendOptions } from "../pipeline/index.js";

export interface WorkerOptions extends BackendOptions {
  readonly bind?: string;
  readonly engine: "node" | "python-gpu" | "torch";
  readonly model: string;
  readonly key?: string;
  readonly allow?: string;
  readonly insecurePlainTcp?: boolean;
  readonly maxBatch?: number;
  readonly batchWait?: number;
  readonly queue?: number;
  readonly keep?: number;
  readonly imageThreads?: number;
  readonly metrics?: string;
  readonly newKey?: string;
  readonly json?: boolean;
}

/** Prints an event as a line of JSON, or as text. */
export const reporter =
  ({ json }: Pick<WorkerOptions, "json">) =>
  (event: string, detail: object, text: string): void => {
    process.stdout.write(`${json ? JSON.stringify({ event, ...detail }) : `worker: ${text}`}\n`);
  };

/** What both engines' servers are told alike: their limits and keys, and where the time of an answer is counted. */
export async function servedOptions(
  { key, allow, insecurePlainTcp, queue, keep }: WorkerOptions,
  metrics: Metrics | undefined,
) {
  return {
    onAnswered: (waitedMs: number, ranMs: number) => {
      metrics?.took("wait", waitedMs / 1e3);
      metrics?.took("model", ranMs / 1e3);
    },
    ...(queue !== undefined && { maxQueue: queue }),
    ...(keep !== undefined && { keep }),
    ...(insecurePlainTcp !== undefined && { insecurePlainTcp }),
    ...(key !== undefined &&
      allow !== undefined && {
        security: { keys: await readKeyFile(key), allowed: await readPublicKeys(allow) },
      }),
  };
}

/** The worker's counters as metrics, without content of requests. */
export function watchWorker(
  metrics: Metrics,
  server: { readonly state: string; report(): BackendReport },
): void {
  const figure = (name: string) => Number(server.report()[name] ?? 0);
  const dropped = () => Object.entries(server.report()).filter(([name]) => name.startsWith("dropped_"));
  const counters = [
    ["requests_answered_total", "Requests answered", "answered"],
    ["requests_refused_total", "Requests refused as busy or not ready", "refused"],
    ["requests_failed_total", "Requests that failed", "failed"],
    ["requests_expired_total", "Requests dropped unrun at their deadline", "expired"],
    ["requests_cancelled_total", "Requests dropped unrun because they were withdrawn", "cancelled"],
    ["batches_total", "Times the model was run", "batches"],
    ["batched_total", "Requests the model was run for", "batched"],
    ["keys_refused_total", "Connections turned away by their key", "refused_keys"],
  ] as const;
  for (const [name, help, counted] of counters) metrics.watch(name, help, "counter", () => figure(counted));
  metrics.watch("messages_malformed_total", "Messages that were dropped", "counter", () =>
    dropped().reduce((sum, [, n]) => sum + Number(n), 0),
  );
  metrics.watch("queued", "Requests that wait or run", "gauge", () => figure("open"));
  metrics.watch("kept_pictures", "Images whose features are in memory", "gauge", () =>
    figure("kept_pictures"),
  );
  metrics.watchState("worker_state", "State", workerStates, () => server.state);
}
