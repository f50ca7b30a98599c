import { readdirSync, readFileSync } from "node:fs";
import type { Server } from "node:net";

/** Descriptors reserved for files, workers and what else a process opens. */
const reserved = 64;
/** Least number of connections that a server accepts, however low the limit is. */
const atLeast = 4;

/** Descriptors that this process may still open by its own limit; Infinity where the system does not tell. */
function descriptorsLeft(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return limit === undefined
      ? Number.POSITIVE_INFINITY
      : Number(limit) - readdirSync("/proc/self/fd").length;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

interface ConnectionBounds {
  /** Connections at once; fewer where the process has few descriptors (`ulimit -n`). */
  readonly most: number;
  /** Called for each connection that was refused. */
  readonly onRefused?: () => void;
}

/**
 * Bounds the connections of a listening server: a flood of them never takes the descriptors that files, workers and the
 * arm need. What is beyond the bound is closed at once.
 */
export function boundConnections(server: Server, { most, onRefused }: ConnectionBounds): void {
  server.maxConnections = Math.max(atLeast, Math.min(most, descriptorsLeft() - reserved));
  if (onRefused !== undefined) server.on("drop", onRefused);
}
