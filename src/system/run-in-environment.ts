import { spawn } from "node:child_process";
import { constants } from "node:os";
import { onParentEnd } from "./parent.js";

/**
 * How glibc hands memory out to the node: one heap, and big blocks given back as soon as they are freed. With its
 * defaults each configuring of the node takes more, because freed models stay in up to eight heaps a core. With two
 * heaps a model is loaded now into one and now into the other, and the node holds both.
 */
export const allocatorEnvironment = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "8388608",
  MALLOC_TRIM_THRESHOLD_: "8388608",
} as const;

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * The same command line in another environment. Signals go on to it, and it ends with this process: an IPC channel
 * closes when this one is killed (see `onParentEnd`).
 * @returns its exit code; for a process that a signal ended a failure code, as shells count, and never one that a
 * service
 * manager takes for a clean end.
 */
export function runInEnvironment(env: NodeJS.ProcessEnv): Promise<number> {
  // Each image leaves megabytes of garbage: V8's helper threads cost more than they save (1.4 ms of CPU an image).
  const flags = [...process.execArgv, "--single-threaded-gc"];
  const child = spawn(process.execPath, [...flags, ...process.argv.slice(1)], {
    env: { ...allocatorEnvironment, ...env },
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  // A terminal signals the whole group; a launch system only this process.
  for (const signal of forwarded) process.on(signal, () => child.kill(signal));
  onParentEnd(() => child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? failureCode(signal)));
  });
}

/** systemd takes 128 + n of these for a clean end; a program that handles them and still died of one has failed. */
const cleanSignals: readonly string[] = ["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"];

const failureCode = (signal: NodeJS.Signals | null): number =>
  signal === null || cleanSignals.includes(signal) ? 1 : 128 + constants.signals[signal];
