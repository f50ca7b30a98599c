import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { describe, GraspGroundingError } from "../src/errors/index.js";
import { endGroup, startChild } from "./children.js";
import { checkout, referencePython } from "./python.js";

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A reference script that stays up and answers each JSON line with one JSON line, so that both sides can take turns.
 */
export class ReferenceProcess {
  readonly #process: ChildProcess;
  readonly #input: Writable;
  readonly #script: string;
  #waiting: Waiting | undefined;
  #failed: GraspGroundingError | undefined;
  #errors = "";

  /**
   * @param script below the checkout
   * @param env added to this process's environment
   */
  constructor(script: string, env: Readonly<Record<string, string>> = {}) {
    this.#script = script;
    this.#process = startChild(referencePython(), [join(checkout, script)], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const { stdin, stdout, stderr } = this.#process;
    this.#input = stdin as Writable;
    stderr?.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-4000);
    });
    this.#process.on("error", (error) => this.#fail(`cannot be started (${describe(error)})`));
    // A write after the end fails; the close event reports the reason.
    this.#input.on("error", () => undefined);
    this.#process.on("close", () => this.#fail(`failed (${this.#errors.trim().split("\n").at(-1) ?? ""})`));
    createInterface(stdout as Readable).on("line", (line) => {
      this.#waiting?.resolve(line);
      this.#waiting = undefined;
    });
  }

  /**
   * @param limitMs time for the answer in milliseconds; then the reference is ended. Default: none
   * @throws GraspGroundingError BENCH_REFERENCE when the reference cannot be started, has failed or takes too long
   */
  async ask<T>(request: object, limitMs?: number): Promise<T> {
    if (this.#failed !== undefined) throw this.#failed;
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#input.write(`${JSON.stringify(request)}\n`);
    const timer = limitMs === undefined ? undefined : setTimeout(() => this.#expire(limitMs), limitMs);
    try {
      return JSON.parse(await answer) as T;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    endGroup(this.#process);
  }

  #expire(limit: number): void {
    this.#fail(`gave no answer within ${Math.round(limit / 1000)} s`);
    this.close();
  }

  /** Records the first reason; this request and every later one fail with it. */
  #fail(what: string): void {
    this.#failed ??= new GraspGroundingError("BENCH_REFERENCE", { script: this.#script, what });
    this.#waiting?.reject(this.#failed);
    this.#waiting = undefined;
  }
}
