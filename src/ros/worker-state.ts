/** Start data of the pipeline's thread. */
export interface StartData {
  /** URL of a module that exports `createPipeline(options): Promise<GraspPipeline>`. */
  readonly module: string;
  readonly options: unknown;
  readonly state: SharedArrayBuffer;
}

export type StartState =
  | { readonly ready: true; readonly model: string }
  | { readonly ready: false; readonly code: string; readonly message: string };

const size = 8 + 4096;

/** Shared memory through which the thread says how its start went, so that a lifecycle transition can wait for it. */
export const createState = (): SharedArrayBuffer => new SharedArrayBuffer(size);

export function reportState(memory: SharedArrayBuffer, state: StartState): void {
  const text = Buffer.from(JSON.stringify(state)).subarray(0, size - 8);
  const header = new Int32Array(memory, 0, 2);
  new Uint8Array(memory, 8).set(text);
  header[1] = text.length;
  Atomics.store(header, 0, 1);
  Atomics.notify(header, 0);
}

/** Blocks until the thread has reported, or `timeout` milliseconds have passed: undefined. */
export function awaitState(memory: SharedArrayBuffer, timeout: number): StartState | undefined {
  const header = new Int32Array(memory, 0, 2);
  if (Atomics.wait(header, 0, 0, timeout) === "timed-out") return undefined;
  // A copy, because text cannot be decoded from shared memory.
  const bytes = Buffer.from(new Uint8Array(memory, 8, header[1]!).slice());
  return JSON.parse(bytes.toString("utf8")) as StartState;
}
