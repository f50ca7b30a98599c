/** Messages between a WorkerClient and the thread that serves it. */

/** To the thread: a request, the cancellation of one, or the wish that it ends by itself. */
export type ToThread<Body> =
  | { readonly id: number; readonly body: Body }
  | { readonly cancel: number }
  | { readonly close: true };

/** A failed request or start: one line, and the code of the error where it has one. */
export interface WorkerFailure {
  readonly message: string;
  readonly code?: string | undefined;
}

/** From the thread: how its start went, a reply, or an event that nobody requested. */
export type FromThread<Value, Started, Event> =
  | { readonly started: Started }
  | { readonly startFailure: WorkerFailure }
  | { readonly id: number; readonly value: Value }
  | { readonly id: number; readonly failure: WorkerFailure }
  | { readonly event: Event };
