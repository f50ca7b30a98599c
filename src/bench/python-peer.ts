import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { GraspGroundingError } from "../errors/index.js";
import { checkout, peerPython } from "./python.js";

interface Waiting {
  readonly resolve: (line: string) => void;
  readonly reject: (error: Error) => void;
}

/** A peer's script that stays up and answers one JSON line for every JSON line it is sent, so that turns can be taken. */
export class PythonPeer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #script: string;
  #waiting: Waiting | undefined;
  #errors = "";

  /** @param script below the checkout. */
  constructor(script: string) {
    this.#script = script;
    this.#process = spawn(peerPython(), [join(checkout, script)]);
    this.#process.stderr.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-4000);
    });
    this.#process.on("error", () => this.#fail());
    this.#process.stdin.on("error", () => this.#fail());
    this.#process.on("close", () => this.#fail());
    createInterface(this.#process.stdout).on("line", (line) => {
      this.#waiting?.resolve(line);
      this.#waiting = undefined;
    });
  }

  /** @throws GraspGroundingError USAGE when the peer is not installed or fails */
  async ask<T>(request: object): Promise<T> {
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    return JSON.parse(await answer) as T;
  }

  close(): void {
    this.#process.stdin.end();
  }

  #fail(): void {
    const why = this.#errors.trim().split("\n").at(-1) ?? "";
    const detail = `the peer ${this.#script} failed (${why}); run \`npm test\` once in a checkout`;
    this.#waiting?.reject(new GraspGroundingError("USAGE", { detail }));
    this.#waiting = undefined;
  }
}
