import { parentPort } from "node:worker_threads";
import type { FromThread, ToThread, WorkerFailure } from "./protocol.js";

/** The value of a reply and the buffers that move with it instead of being copied. */
export interface Reply<Value> {
  readonly value: Value;
  readonly transfer?: readonly ArrayBufferLike[];
}

export interface ServeOptions {
  /** Failure that the client receives for an error. Default: its message alone. */
  readonly toFailure?: (error: unknown) => WorkerFailure;
  /** Called when the client closes; the thread ends once the result has settled. */
  readonly onClose?: () => Promise<void>;
}

/** Sends a message to the client. @throws Error outside a worker thread */
function post(message: FromThread<unknown, unknown, unknown>, transfer: readonly ArrayBufferLike[] = []) {
  if (parentPort === null) throw new Error("this module runs as a worker thread only");
  parentPort.postMessage(message, transfer as ArrayBuffer[]);
}

/** Tells the client that the thread is ready, for WorkerClient.started. */
export const reportStarted = (started: unknown): void => post({ started });

/** Tells the client why the thread cannot start. */
export const reportStartFailure = (error: unknown): void => post({ startFailure: messageOnly(error) });

/** Sends the client an event that it did not request. */
export const sendEvent = (event: unknown): void => post({ event });

/**
 * Answers the requests of a WorkerClient, each when its handler settles; the handler orders them itself if it must.
 * `signal` aborts when the client cancels the request.
 */
export function serve<Body, Value>(
  handle: (body: Body, signal: AbortSignal) => Promise<Reply<Value>> | Reply<Value>,
  { toFailure = messageOnly, onClose }: ServeOptions = {},
): void {
  const running = new Map<number, AbortController>();
  const answer = async (id: number, body: Body) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const { value, transfer } = await handle(body, controller.signal);
      post({ id, value }, transfer);
    } catch (error) {
      post({ id, failure: toFailure(error) });
    } finally {
      running.delete(id);
    }
  };
  parentPort?.on("message", (message: ToThread<Body>) => {
    if ("close" in message) void Promise.resolve(onClose?.()).finally(() => parentPort?.close());
    else if ("cancel" in message) running.get(message.cancel)?.abort();
    else void answer(message.id, message.body);
  });
}

function messageOnly(error: unknown): WorkerFailure {
  return { message: error instanceof Error ? error.message : String(error) };
}
