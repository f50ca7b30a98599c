import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { describe, GraspGroundingError } from "../src/errors/index.js";
import { endGroup, startChild } from "./children.js";
import { checkout, peerPython } from "./python.js";

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/** A peer's script that stays up and answers one JSON line for every JSON line it is sent, so that turns can be taken. */
export class PythonPeer {
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
    this.#process = startChild(peerPython(), [join(checkout, script)], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const { stdin, stdout, stderr } = this.#process;
    this.#input = stdin as Writable;
    stderr?.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-4000);
    });
    this.#process.on("error", (error) => this.#fail(`cannot be started (${describe(error)})`));
    // Written to a peer that is gone: why it went is said when it closes.
    this.#input.on("error", () => undefined);
    this.#process.on("close", () => this.#fail(`failed (${this.#errors.trim().split("\n").at(-1) ?? ""})`));
    createInterface(stdout as Readable).on("line", (line) => {
      this.#waiting?.resolve(line);
      this.#waiting = undefined;
    });
  }

  /**
   * @param limit milliseconds the answer may take; then the peer is ended. Default: any time
   * @throws GraspGroundingError BENCH_PEER when the peer cannot be started, has failed or takes too long
   */
  async ask<T>(request: object, limit?: number): Promise<T> {
    if (this.#failed !== undefined) throw this.#failed;
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#input.write(`${JSON.stringify(request)}\n`);
    const timer = limit === undefined ? undefined : setTimeout(() => this.#expire(limit), limit);
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

  /** The first reason stands, for this question and every further one. */
  #fail(what: string): void {
    this.#failed ??= new GraspGroundingError("BENCH_PEER", { script: this.#script, what });
    this.#waiting?.reject(this.#failed);
    this.#waiting = undefined;
  }
}
