import { readFileSync } from "node:fs";

/** How often ancestors are looked at, in milliseconds. */
const watchPeriodMs = 250;

/**
 * Calls `ended` once when the program that started this one is gone: a wrapper that opened an IPC channel (see
 * `runInEnvironment`), or npm (`npx …`, `npm run …`), which does not hand every signal on. A shell that ends is no
 * reason:
 * a program that was put in the background goes on.
 */
export function onParentEnd(ended: () => void): void {
  if (process.connected) {
    process.once("disconnect", ended);
    // The listener alone would keep the process from ending by itself.
    process.channel?.unref();
  }
  const chain = npmChain();
  if (chain.length === 0) return;
  const timer = setInterval(() => {
    if (chain.every(({ pid, started }) => processInfo(pid)?.started === started)) return;
    clearInterval(timer);
    ended();
  }, watchPeriodMs);
  timer.unref();
}

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot: a number that is used again has another one. */
  readonly started: string;
  readonly command: string;
}

/** This process's ancestors up to npm; empty where npm did not start it, or where there is no /proc. */
function npmChain(): readonly ProcessInfo[] {
  if (process.env.npm_command === undefined && process.env.npm_lifecycle_event === undefined) return [];
  const chain: ProcessInfo[] = [];
  for (let at = processInfo(process.ppid); at !== undefined && at.pid > 1; at = processInfo(at.parent)) {
    chain.push(at);
    // npm's title is "npm exec …"; npx's, before it is set, the path of npx-cli.js.
    if (/(^|[\s/])(npm|npx)(\s|$|-cli)/.test(at.command)) return chain;
  }
  return [];
}

/** proc_pid_stat(5): state, parent and start time follow the name in parentheses. */
function processInfo(pid: number): ProcessInfo | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    // A zombie has ended; its parent has only not been told.
    if (fields[0] === "Z") return undefined;
    return { pid, parent: Number(fields[1]), started: fields[19] ?? "", command };
  } catch {
    return undefined;
  }
}
