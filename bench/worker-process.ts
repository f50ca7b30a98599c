import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startChild } from "./children.js";
import { checkout } from "./python.js";

/** A worker in a process of its own: the program as a user starts it. */
export class WorkerProcess {
  readonly pid: number;
  readonly endpoint: string;
  /** What it runs on, once its model is loaded. */
  readonly ready: Promise<string>;
  readonly #child: ChildProcess;
  readonly #lines: readonly Record<string, unknown>[];

  private constructor(
    child: ChildProcess,
    endpoint: string,
    ready: Promise<string>,
    lines: readonly Record<string, unknown>[],
  ) {
    this.#child = child;
    this.pid = child.pid as number;
    this.endpoint = endpoint;
    this.ready = ready;
    this.#lines = lines;
  }

  /** Resolves when it is bound. @throws Error with what it said when it ends before */
  static start(bind: string, args: readonly string[]): Promise<WorkerProcess> {
    const program = join(checkout, "bin", "grasp-grounding.mjs");
    const child = startChild(
      process.execPath,
      [program, "worker", "--bind", bind, "--threads", "1", "--json", ...args],
      { env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" }, stdio: ["ignore", "pipe", "pipe"] },
    );
    let stderr = "";
    child.stderr?.on("data", (chunk) => {
      stderr = (stderr + chunk).slice(-4000);
    });
    const lines: Record<string, unknown>[] = [];
    return new Promise((resolve, reject) => {
      let isReady: (description: string) => void;
      const ready = new Promise<string>((done) => {
        isReady = done;
      });
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (text) => {
        const line = JSON.parse(text) as Record<string, unknown>;
        lines.push(line);
        if (line.event === "bound") resolve(new WorkerProcess(child, String(line.endpoint), ready, lines));
        if (line.event === "ready") isReady(String(line.description));
      });
      child.on("exit", (code) => reject(new Error(`the worker ended (${code}): ${stderr}`)));
    });
  }

  /** What it said of an event so far, e.g. `ready`; undefined before. */
  said(event: string): Record<string, unknown> | undefined {
    return this.#lines.findLast((line) => line.event === event);
  }

  /** Threads that decode and resize images. */
  get imageThreads(): number {
    return Number(this.#lines.find(({ event }) => event === "bound")?.image_threads);
  }

  /** Where its figures are, once it is ready, when it was started with --metrics. */
  get metricsUrl(): string | undefined {
    const url = this.#lines.find(({ event }) => event === "metrics")?.url;
    return url === undefined ? undefined : String(url);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it and gives its counters. */
  async stop(): Promise<Record<string, string | number>> {
    if (this.running) {
      const exit = new Promise((resolve) => this.#child.once("close", resolve));
      this.#child.kill("SIGCONT");
      this.#child.kill("SIGTERM");
      const timer = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
      await exit;
      clearTimeout(timer);
    }
    const stopped = this.#lines.find(({ event }) => event === "stopped");
    return (stopped?.report ?? {}) as Record<string, string | number>;
  }
}
