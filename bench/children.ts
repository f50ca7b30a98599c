import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

/** Processes and folders of the benches; all end with this process, also by Ctrl-C, SIGTERM (`timeout`) or an error. */
const children = new Set<ChildProcess>();
const folders = new Set<string>();
const interruption = new AbortController();
let watching = false;

/** Aborted when the bench is interrupted, for processes that `startChild` did not start. */
export const interrupted: AbortSignal = interruption.signal;

/** Starts a process that leads its own group, so that its children end with it. */
export function startChild(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  watch();
  const child = spawn(command, args, { ...options, detached: true });
  children.add(child);
  child.once("exit", () => {
    endGroup(child);
    children.delete(child);
  });
  return child;
}

/** Makes a folder below the system's temporary one. */
export async function scratchFolder(name: string): Promise<string> {
  watch();
  const folder = await mkdtemp(join(tmpdir(), `bench-${name}-`));
  folders.add(folder);
  return folder;
}

/** Removes a scratch folder now. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}

/** Ends a child and its process group. */
export function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
}

function watch(): void {
  if (watching) return;
  watching = true;
  process.on("exit", endAll);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      interruption.abort();
      process.exit(128 + constants.signals[signal]);
    });
}

function endAll(): void {
  for (const child of children) endGroup(child);
  for (const folder of [...folders]) removeFolder(folder);
}
