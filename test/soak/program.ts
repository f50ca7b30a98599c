import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../support/python.js";

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Asks again and again until the answer is true. @throws Error naming what did not come about */
export async function until(
  what: string,
  seconds: number,
  ask: () => boolean | Promise<boolean>,
): Promise<void> {
  const end = performance.now() + seconds * 1e3;
  while (!(await ask())) {
    if (performance.now() > end) throw new Error(`not within ${seconds} s: ${what}`);
    await sleep(100);
  }
}

/** The program in a process of its own, by limits of the shell's `ulimit` where given. */
export class Program {
  static readonly #started = new Set<Program>();

  /** Ends whatever a failed test left behind. */
  static killAll(): void {
    for (const program of Program.#started) if (program.running) program.child.kill("SIGKILL");
  }

  readonly child: ChildProcess;
  readonly name: string;
  output = "";
  errors = "";
  readonly #memory: number[] = [];
  #descriptors = 0;

  constructor(
    args: readonly string[],
    options: { ulimit?: string; env?: NodeJS.ProcessEnv; cwd?: string } = {},
  ) {
    this.name = args[0] ?? "";
    const program = [process.execPath, join(repository, "bin", "grasp-grounding.mjs"), ...args];
    const [command = "", ...rest] =
      options.ulimit === undefined
        ? program
        : ["bash", "-c", `ulimit ${options.ulimit}; exec "$@"`, "bash", ...program];
    this.child = spawn(command, rest, {
      cwd: options.cwd ?? repository,
      env: { ...process.env, GRASP_GROUNDING_SETUP: "skip", ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    Program.#started.add(this);
    this.child.once("exit", () => Program.#started.delete(this));
    this.child.stdout!.on("data", (chunk) => {
      this.output = (this.output + chunk).slice(-200_000);
    });
    this.child.stderr!.on("data", (chunk) => {
      this.errors = (this.errors + chunk).slice(-200_000);
    });
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** How it ended and its last words; undefined while it runs. */
  get ending(): string | undefined {
    if (this.running) return undefined;
    const how = this.child.signalCode ?? `exit code ${this.child.exitCode}`;
    return `${this.name} ended (${how}): ${this.errors.slice(-2_000)}`;
  }

  async says(pattern: RegExp, seconds = 90): Promise<string> {
    await until(`${this.name} says ${pattern}; ${this.errors.slice(-500)}`, seconds, () => {
      if (this.ending !== undefined) throw new Error(this.ending);
      return pattern.test(this.output);
    });
    return pattern.exec(this.output)?.[1] ?? "";
  }

  /** Takes one sample of resident memory, in megabytes. */
  sample(): void {
    const file = `/proc/${this.child.pid}/status`;
    if (!this.running || !existsSync(file)) return;
    this.#memory.push(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1]) / 1024);
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.child.pid}/fd`).length;
  }

  /** How many descriptors of each kind it has; TCP connections by their state. */
  descriptorKinds(): Record<string, number> {
    const states = tcpStates();
    const kinds: Record<string, number> = {};
    for (const fd of readdirSync(`/proc/${this.child.pid}/fd`)) {
      let target: string;
      try {
        target = readlinkSync(`/proc/${this.child.pid}/fd/${fd}`);
      } catch {
        continue; // closed meanwhile
      }
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      const kind =
        inode === undefined ? target.replace(/:\[\d+\]$/, "") : (states.get(inode) ?? "unix socket");
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    return kinds;
  }

  /** Descriptors now are what later ones are compared with. */
  mark(): void {
    this.#descriptors = this.descriptors;
  }

  /** Growth since `mark`, and of memory from the second quarter of its samples to the last, which a leak cannot hide from. */
  growth(): { readonly megabytes: number; readonly from: number; readonly descriptors: number } {
    const quarter = Math.max(1, Math.floor(this.#memory.length / 4));
    const lowest = (part: readonly number[]) => Math.min(...part);
    const from = lowest(this.#memory.slice(quarter, 2 * quarter));
    const to = lowest(this.#memory.slice(-quarter));
    return { megabytes: to - from, from, descriptors: this.descriptors - this.#descriptors };
  }

  async ended(seconds = 30): Promise<number | null> {
    await until(`${this.name} ends`, seconds, () => !this.running).catch(() => this.child.kill("SIGKILL"));
    await until(`${this.name} is killed`, 10, () => !this.running);
    return this.child.exitCode;
  }

  stop(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    this.child.kill(signal);
    return this.ended();
  }
}

const tcpStateNames: Readonly<Record<string, string>> = {
  "01": "tcp established",
  "04": "tcp fin-wait-1",
  "05": "tcp fin-wait-2",
  "08": "tcp close-wait",
  "0A": "tcp listening",
};

/** TCP sockets of this machine: their state by inode. */
function tcpStates(): Map<string, string> {
  const states = new Map<string, string>();
  for (const table of ["tcp", "tcp6"])
    for (const line of readFileSync(`/proc/net/${table}`, "utf8").split("\n").slice(1)) {
      const columns = line.trim().split(/\s+/);
      const [state = "", inode = ""] = [columns[3], columns[9]];
      states.set(inode, tcpStateNames[state] ?? `tcp state ${state}`);
    }
  return states;
}
