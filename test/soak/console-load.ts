import { connect } from "node:net";
import WebSocket from "ws";
import type { Random } from "../../src/geometry/index.js";
import { sleep, until } from "./program.js";

const nouns = [
  "the banana",
  "the red mug on the left",
  "something to cut with",
  "the green bottle",
  "the bowl",
  "the apple",
];

/**
 * Seconds after the last sign of a live operator, or after the motion began, within which the arm has to be at rest; the
 * limit is 0.15 s on an idle machine. What the console takes to answer meanwhile is added.
 */
const restWithin = 2;

/** Random use and abuse of a running console, and what has to hold meanwhile. */
export class ConsoleLoad {
  /** Answers that were acknowledged, and refusals by code. */
  acknowledged = 0;
  readonly refused = new Map<string, number>();
  readonly violations: string[] = [];
  moved = 0;
  #lastHeld = Number.NEGATIVE_INFINITY;
  #movingSince: number | undefined;
  #probing: NodeJS.Timeout | undefined;
  #probed = performance.now();
  #asking = false;
  readonly #delays: number[] = [];
  #watcher: WebSocket | undefined;
  #cookie = "";
  readonly #url: string;
  readonly #random: Random;
  readonly #ending: () => string | undefined;

  /** `ending` says how the console ended, where it did. */
  constructor(url: string, random: Random, ending: () => string | undefined) {
    this.#url = url;
    this.#random = random;
    this.#ending = ending;
  }

  /** A viewer that is always there: every state is looked at. */
  async begin(): Promise<void> {
    this.#cookie = await signIn(this.#url, "operator");
    const watcher = await this.#open(await signIn(this.#url, "watcher"));
    watcher.send(JSON.stringify({ type: "view", width: 0 }));
    watcher.on("message", (data, binary) => {
      if (binary) return;
      const { state } = JSON.parse(String(data)) as { state?: { arm?: { moving?: boolean } } };
      if (state?.arm === undefined) return;
      if (state.arm.moving !== true) {
        this.#movingSince = undefined;
        return;
      }
      this.moved++;
      this.#movingSince ??= performance.now();
      const since = (performance.now() - Math.max(this.#lastHeld, this.#movingSince)) / 1e3;
      if (since > restWithin + this.#slowest)
        this.violations.push(
          `the arm moves ${since.toFixed(1)} s after the last heartbeat; the console answers within ${this.#slowest.toFixed(1)} s`,
        );
    });
    this.#watcher = watcher;
    this.#probing = setInterval(() => void this.#probe(), 500);
  }

  /** How long the console takes to answer at all, in seconds: the slowest of the last 20 answers. */
  get #slowest(): number {
    return Math.max(...this.#delays, (performance.now() - this.#probed) / 1e3);
  }

  async #probe(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    this.#probed = performance.now();
    await this.alive().catch(() => false);
    this.#delays.push((performance.now() - this.#probed) / 1e3);
    this.#delays.splice(0, this.#delays.length - 20);
    this.#asking = false;
  }

  async end(): Promise<void> {
    clearInterval(this.#probing);
    this.#watcher?.terminate();
    await this.#do({ name: "lease.release" });
  }

  readonly acts: Readonly<Record<string, () => Promise<void>>> = {
    ask: async () => {
      await this.#control();
      const query = this.#pick(nouns);
      const answer = await this.#do({ name: "ask", query });
      if (answer === undefined) return;
      this.acknowledged++;
      const { id } = answer as { id: number };
      // What was acknowledged is there for everybody: the newest answers, or made way for by at least four newer ones.
      const shown = (await (await this.#get("api/answers")).json()) as { id: number }[];
      if (!shown.some((each) => each.id === id) && shown.filter((each) => each.id > id).length < 4)
        this.violations.push(`answer ${id} was acknowledged and is gone`);
    },
    look: async () => {
      const state = await this.#get("api/state");
      if (state.status !== 200) this.violations.push(`state: ${state.status}`);
      await state.arrayBuffer();
      await (await this.#get("api/frame.jpg")).arrayBuffer();
    },
    play: async () => {
      await this.#control();
      await this.#do({ name: "seek", position: this.#random() * 5 });
      await this.#do({ name: this.#random() < 0.5 ? "play" : "pause" });
      await this.#do({ name: "rate", rate: 0.5 + 8 * this.#random() });
    },
    churn: async () => {
      const sockets = await Promise.all(
        Array.from({ length: 1 + this.#random() * 6 }, () => this.#open(this.#cookie)),
      );
      await sleep(100 * this.#random());
      for (const socket of sockets) this.#random() < 0.5 ? socket.terminate() : socket.close();
    },
    garbage: async () => {
      const socket = await this.#open(this.#cookie);
      for (let i = 0; i < 30; i++) {
        const kinds = [
          "{",
          "[]",
          "null",
          '{"type":"command"}',
          `{"type":"ping","at":"${"x".repeat(200)}"}`,
          "\u0000",
        ];
        socket.send(this.#random() < 0.2 ? Buffer.from([1, 2, 3]) : this.#pick(kinds));
      }
      if (this.#random() < 0.5) socket.send("x".repeat(100_000));
      await until("a client that sends garbage is let go", 10, () => socket.readyState === WebSocket.CLOSED);
    },
    jog: async () => {
      await this.#control();
      await this.#do({ name: "estop.reset" });
      const socket = await this.#open(this.#cookie);
      if ((await this.#do({ name: "jog" })) === undefined) return void socket.terminate();
      const speed = this.#random() < 0.5 ? 0.05 : -0.05;
      const end = performance.now() + 600;
      while (performance.now() < end) {
        this.#lastHeld = performance.now();
        socket.send(JSON.stringify({ type: "drive", linear: [0, 0, speed], angular: [0, 0, 0] }));
        await sleep(40);
      }
      // The operator lets go, falls silent, vanishes, or somebody presses the emergency stop.
      const way = this.#pick(["release", "silence", "vanish", "estop"]);
      if (way === "release") await this.#do({ name: "release" });
      else if (way === "vanish") socket.terminate();
      else if (way === "estop") await this.#do({ name: "estop", reason: "soak" });
      await until(`the arm is at rest after ${way}`, restWithin + 1 + this.#slowest, async () => {
        const state = (await (await this.#get("api/state")).json()) as { arm: { moving: boolean } };
        return !state.arm.moving;
      }).catch((error) => this.violations.push(String(error)));
      socket.terminate();
    },
    pickWithoutHolding: async () => {
      await this.#control();
      await this.#do({ name: "estop.reset" });
      const [latest] = (await (await this.#get("api/answers")).json()) as { id: number }[];
      if (latest === undefined) return;
      // Nobody holds a button: the watcher sees to it that nothing keeps moving.
      this.#lastHeld = performance.now();
      await this.#do({ name: "pick", answer: latest.id });
      await sleep(500);
    },
    flood: async () => {
      // More sockets than the process has descriptors.
      const sockets = Array.from({ length: 400 }, () => {
        const socket = connect(Number(new URL(this.#url).port), "127.0.0.1");
        socket.on("error", () => {});
        return socket;
      });
      await sleep(500);
      for (const socket of sockets) socket.destroy();
      await until("the console answers after a flood", 30, () => this.alive());
    },
  };

  /** @throws Error where the console has ended */
  async alive(): Promise<boolean> {
    const ending = this.#ending();
    if (ending !== undefined) throw new Error(ending);
    return (
      fetch(new URL("healthz", this.#url), { signal: AbortSignal.timeout(5_000) })
        // One that asks for patience answers.
        .then((answer) => answer.ok || answer.status === 429)
        .catch(() => false)
    );
  }

  /** Takes control; what is refused is counted. */
  async #control(): Promise<void> {
    await this.#do({ name: "lease.take" });
  }

  async #do(body: object): Promise<unknown> {
    const reply = await post(this.#url, "api/command", body, this.#cookie);
    const answer = (await reply.json()) as { result?: unknown; error?: { code: string; message: string } };
    if (reply.status === 200) return answer.result ?? true;
    const code = answer.error?.code ?? String(reply.status);
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
    if (code === "INTERNAL") this.violations.push(`${JSON.stringify(body)}: ${answer.error?.message}`);
    return undefined;
  }

  async #get(path: string): Promise<Response> {
    for (;;) {
      const answer = await fetch(new URL(path, this.#url), { headers: { cookie: this.#cookie } });
      // What asks too often is told to wait; the minute it counts by passes.
      if (answer.status !== 429) return answer;
      await answer.body?.cancel();
      await sleep(2_000);
    }
  }

  async #open(cookie: string): Promise<WebSocket> {
    const socket = new WebSocket(new URL("live", this.#url).href.replace("http", "ws"), {
      headers: { cookie, origin: new URL(this.#url).origin },
    });
    socket.on("error", () => {});
    await until("a WebSocket opens", 20, () => socket.readyState !== WebSocket.CONNECTING);
    return socket;
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }
}

/** Signs in over HTTP; the session's cookie. */
async function signIn(url: string, name: string): Promise<string> {
  const answer = await post(url, "api/session", { name }, "");
  return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
}

const post = (url: string, path: string, body: object, cookie: string): Promise<Response> =>
  fetch(new URL(path, url), {
    method: "POST",
    headers: { "content-type": "application/json", cookie },
    body: JSON.stringify(body),
  });
