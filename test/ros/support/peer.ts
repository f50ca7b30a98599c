import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { allocatorEnvironment } from "../../../src/system/index.js";

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

/**
 * A domain of this test run's own, so that nothing else on the machine is heard: the first one, from a number of this
 * process's own on, whose UDP ports nobody has bound. Domains above 100 reach into the range of ephemeral ports.
 */
export const domain = freeDomain();

function freeDomain(): number {
  const bound = readFileSync("/proc/net/udp", "utf8")
    .split("\n")
    .map((line) => Number.parseInt(/^\s*\d+: [0-9A-F]+:([0-9A-F]+)/.exec(line)?.[1] ?? "", 16));
  const first = process.pid % 100;
  const all = Array.from({ length: 100 }, (_, i) => 1 + ((first + i) % 100));
  // RTPS 9.6.1: the ports of a domain begin at 7400 + 250 times its number.
  const isFree = (number: number) => !bound.some((port) => Math.floor((port - 7400) / 250) === number);
  return all.find(isFree) ?? first + 1;
}

const env = (extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  ROS_DOMAIN_ID: String(domain),
  ROS_AUTOMATIC_DISCOVERY_RANGE: "LOCALHOST",
  ...extra,
});

// biome-ignore lint/suspicious/noExplicitAny: messages come as JSON and every test looks at other fields
export type Message = any;

/** The rclpy peer, a process of its own. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, { resolve: (value: Message) => void; reject: (e: Error) => void }>();
  #next = 1;
  #errors = "";

  constructor(extra: Readonly<Record<string, string>> = {}, script = "peer.py") {
    this.#child = spawn("python", [path(`reference/${script}`)], {
      env: env(extra),
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stderr!.on("data", (chunk) => {
      this.#errors += chunk;
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const { id, ok, error } = JSON.parse(line.replaceAll(/\bNaN\b/g, "null")) as Message;
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(ok);
      else pending?.reject(new Error(error));
    });
    this.#child.on("exit", () => {
      for (const { reject } of this.#pending.values())
        reject(new Error(`the peer ended: ${this.#errors.slice(-2_000)}`));
    });
  }

  do(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<Message> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#child.stdin!.write(`${JSON.stringify({ id, do: name, ...args })}\n`);
    });
  }

  /** The next message on an output of the node. */
  wait(topic: string, options: Readonly<Record<string, unknown>> = {}): Promise<Message> {
    return this.do("wait", { topic, timeout: 60, ...options });
  }

  async close(): Promise<void> {
    this.#child.stdin!.end();
    await ended(this.#child, 30_000);
  }
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly seconds: number;
}

/** The node, a process of its own. */
export class NodeProcess {
  readonly child: ChildProcess;
  output = "";

  private constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (chunk) => {
        this.output += chunk;
      });
  }

  /** Starts `script` with the heaps that the executable `bridge` sets, and waits for its "ready". */
  static async start(
    rosArgs: readonly string[] = [],
    extra: Readonly<Record<string, string>> = {},
    options: { readonly ready?: boolean; readonly script?: readonly string[] } = {},
  ): Promise<NodeProcess> {
    const script = options.script ?? [path("support/colour-node.mjs")];
    const args = rosArgs.length > 0 ? ["--ros-args", ...rosArgs] : [];
    const node = new NodeProcess(
      spawn(process.execPath, [...script, ...args], {
        env: env({ ...allocatorEnvironment, ...extra }),
        stdio: ["ignore", "pipe", "pipe"],
      }),
    );
    if (options.ready !== false) await node.says(/^ready$/m);
    return node;
  }

  /** Waits for a line of output. */
  async says(pattern: RegExp, seconds = 180): Promise<void> {
    const end = performance.now() + seconds * 1e3;
    while (!pattern.test(this.output)) {
      if (!this.running || performance.now() > end)
        throw new Error(`the node did not say ${pattern}: ${this.output.slice(-2_000)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resident memory in megabytes; NaN once it has ended. */
  memory(): number {
    const file = `/proc/${this.child.pid}/status`;
    if (!this.running || !existsSync(file)) return Number.NaN;
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1]) / 1024;
  }

  /** Waits for it to end by itself. */
  async exited(): Promise<Exit> {
    const { code, signal } = await ended(this.child, 90_000);
    return { code, signal, seconds: 0 };
  }

  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<Exit> {
    const began = performance.now();
    if (this.running) this.child.kill(signal);
    const { code, signal: by } = await ended(this.child, 60_000);
    return { code, signal: by, seconds: (performance.now() - began) / 1e3 };
  }
}

function ended(child: ChildProcess, timeout: number) {
  return new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    const done = () => resolve({ code: child.exitCode, signal: child.signalCode });
    if (child.exitCode !== null || child.signalCode !== null) return done();
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
    child.once("exit", () => {
      clearTimeout(timer);
      done();
    });
  });
}

/** The values of one status of a /diagnostics message. */
export function diagnosed(message: Message, name: string): Message {
  const status = message.status.find((each: Message) => each.name.endsWith(`: ${name}`));
  return {
    level: Buffer.from(status.level, "base64")[0],
    message: status.message,
    ...Object.fromEntries(status.values.map((each: Message) => [each.key, each.value])),
  };
}
