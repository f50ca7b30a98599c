import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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

  async says(pattern: RegExp, seconds = 90): Promise<string> {
    await until(`${this.name} says ${pattern}; ${this.errors.slice(-500)}`, seconds, () => {
      if (!this.running) throw new Error(`${this.name} ended: ${this.errors.slice(-1_000)}`);
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
