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

/** Start state, length of its text, and whether the thread has closed its pipeline; then the text. */
const headerSize = 12;
const size = headerSize + 4096;

/**
 * Shared memory through which the thread says how its start went, and that it has closed its pipeline, so that a
 * lifecycle transition can wait for both.
 */
export const createState = (): SharedArrayBuffer => new SharedArrayBuffer(size);

export function reportState(memory: SharedArrayBuffer, state: StartState): void {
  const text = Buffer.from(JSON.stringify(state)).subarray(0, size - headerSize);
  const header = headerOf(memory);
  new Uint8Array(memory, headerSize).set(text);
  header[1] = text.length;
  Atomics.store(header, 0, 1);
  Atomics.notify(header, 0);
}

/** Blocks until the thread has reported, or `timeout` milliseconds have passed: undefined. */
export function awaitState(memory: SharedArrayBuffer, timeout: number): StartState | undefined {
  const header = headerOf(memory);
  if (Atomics.wait(header, 0, 0, timeout) === "timed-out") return undefined;
  // A copy, because text cannot be decoded from shared memory.
  const bytes = Buffer.from(new Uint8Array(memory, headerSize, header[1]!).slice());
  return JSON.parse(bytes.toString("utf8")) as StartState;
}

/** The thread's pipeline is closed: its model's memory is free. */
export function reportClosed(memory: SharedArrayBuffer): void {
  const header = headerOf(memory);
  Atomics.store(header, 2, 1);
  Atomics.notify(header, 2);
}

/** Blocks until the thread has closed its pipeline, or `timeout` milliseconds have passed. */
export function awaitClosed(memory: SharedArrayBuffer, timeout: number): void {
  Atomics.wait(headerOf(memory), 2, 0, timeout);
}

const headerOf = (memory: SharedArrayBuffer): Int32Array => new Int32Array(memory, 0, headerSize / 4);
