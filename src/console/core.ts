import type { Bridge } from "../bridge/index.js";
import { asCatalogued, describe, GraspGroundingError } from "../errors/index.js";
import type { Vec3 } from "../geometry/index.js";
import type { Metrics } from "../metrics/index.js";
import { Asker } from "./asker.js";
import type { AuditLog } from "./audit.js";
import { EncodedFrame } from "./encoder.js";
import { type Actor, Lease } from "./lease.js";
import type { LiveClient, LiveFrame } from "./live-client.js";
import { type ConsoleArm, Motion } from "./motion.js";
import { cloudOf } from "./pictures.js";
import type { Answer, Command, ConsoleState } from "./protocol.js";
import { StateStore } from "./state.js";
import type { ConsoleSource, Playback, SourceFrame } from "./types.js";

export interface CoreOptions {
  readonly source: ConsoleSource;
  readonly bridge: Bridge;
  readonly audit: AuditLog;
  /** Without one grasps are shown and nothing moves. */
  readonly arm?: ConsoleArm;
  /** Counts answers, errors and commands. */
  readonly metrics?: Metrics;
}

/** Log lines and marks kept for the page. */
const keptLines = 100;
const keptMarks = 200;

/**
 * The console without its server: takes commands from whoever may give them, keeps the state everybody sees, and hands
 * pictures to the clients.
 */
export class ConsoleCore {
  readonly store: StateStore;
  readonly lease: Lease;
  readonly #source: ConsoleSource;
  readonly #asker: Asker;
  readonly #audit: AuditLog;
  readonly #metrics: Metrics | undefined;
  readonly #clients = new Set<LiveClient>();
  readonly #rate = new FrameRate();
  readonly #timer: NodeJS.Timeout;
  readonly #motion: Motion | undefined;
  #last: LiveFrame | undefined;
  #seq = 0;
  #marks: ConsoleState["marks"] = [];

  constructor({ source, bridge, audit, arm, metrics }: CoreOptions) {
    this.#source = source;
    this.#audit = audit;
    this.#metrics = metrics;
    this.lease = new Lease(() => this.#showLease());
    this.#asker = new Asker(bridge, {
      answers: (answers) => this.#broadcastAnswers(answers),
      changed: () => this.#showModel(),
      failed: (error) => {
        metrics?.failed(error);
        this.log("error", describe(error));
      },
      answered: ({ grounding }) => metrics?.answered(grounding.found ? "found" : "not_found"),
    });
    this.store = new StateStore({
      source: { kind: source.kind, name: source.name, problems: [...source.problems] },
      ...(source.playback !== undefined && { playback: source.playback.state }),
      marks: [],
      model: { name: bridge.model, busy: false, waiting: 0 },
      stats: { fps: 0, dropped: 0, modelDropped: 0, clients: 0, latency: {} },
      lease: {},
      estop: { latched: false },
      arm: { available: false, moving: false, text: "no arm is connected: grasps are shown, nothing moves" },
      log: [],
    });
    this.#motion = arm === undefined ? undefined : new Motion(arm, (state) => this.store.set({ arm: state }));
    this.store.subscribe((state) => {
      for (const client of this.#clients) {
        if (client.wantsState()) client.send({ type: "state", state: this.store.value });
        else client.send({ type: "state", state });
      }
    });
    this.#watch(metrics);
    this.#timer = setInterval(() => this.#showStats(), 500);
    this.#timer.unref();
  }

  start(): void {
    this.#source.start({ frame: (frame) => this.#frame(frame), changed: () => this.#showSource() });
  }

  get answers(): readonly Answer[] {
    return this.#asker.answers;
  }

  /** The picture shown now, as JPEG. @throws GraspGroundingError CONSOLE_NO_FRAME */
  async picture(): Promise<{ readonly jpeg: Buffer; readonly stamp: string }> {
    if (this.#last === undefined) throw new GraspGroundingError("CONSOLE_NO_FRAME");
    return { jpeg: await this.#last.encoded.jpeg(0), stamp: this.#last.header.stamp };
  }

  /** Points of the picture an answer is about. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  cloud(answer: number): Buffer {
    return cloudOf(this.#asker.kept(answer).frame);
  }

  /** @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  heat(answer: number): Promise<Buffer> {
    return this.#asker.heat(answer);
  }

  /** @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  crop(answer: number, candidate: number): Promise<Buffer> {
    return this.#asker.crop(answer, candidate);
  }

  join(client: LiveClient): void {
    this.#clients.add(client);
    this.lease.returned(client.identity.id);
    client.hello(this.store.value, this.#asker.answers);
    if (this.#last !== undefined) client.frame({ ...this.#last, arrived: performance.now() });
    this.#showStats();
  }

  leave(client: LiveClient): void {
    client.close();
    this.#clients.delete(client);
    const { id } = client.identity;
    // A motion lives by one connection's heartbeat: it ends with any of its operator's connections.
    this.#motion?.release(id);
    if (![...this.#clients].some((other) => other.identity.id === id)) this.lease.left(id);
    this.#showStats();
  }

  /** The button is still held; with a velocity, where to. */
  held(actor: Actor, drive?: { readonly linear: Vec3; readonly angular: Vec3 }): void {
    if (this.store.value.estop.latched) return;
    if (drive === undefined) this.#motion?.beat(actor);
    else this.#motion?.drive(actor, drive.linear, drive.angular);
  }

  /** Ends every live connection; browsers come back by themselves. */
  dropClients(): void {
    for (const client of this.#clients) client.end();
  }

  /**
   * Does what somebody asks, if they may, and writes it down.
   * @throws GraspGroundingError ACCESS_ROLE, LEASE_HELD, and those of the command
   */
  async execute(actor: Actor, command: Command): Promise<unknown> {
    const { name, ...details } = command;
    try {
      const result = await this.#dispatch(actor, command);
      this.#audit.write(actor, { what: name, outcome: "done", details });
      return result;
    } catch (error) {
      const { code, entry } = asCatalogued(error);
      const outcome = entry.httpStatus < 500 ? "refused" : "failed";
      this.#metrics?.failed(error);
      this.#audit.write(actor, { what: name, outcome, details, code });
      throw error;
    }
  }

  log(level: ConsoleState["log"][number]["level"], text: string): void {
    const line = { at: new Date().toISOString(), level, text };
    this.store.set({ log: [line, ...this.store.value.log].slice(0, keptLines) });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#motion?.close();
    this.lease.close();
    await this.#source.close();
    await this.#asker.idle();
    this.store.close();
  }

  #dispatch(actor: Actor, command: Command): unknown {
    // Anybody may stop; nothing may stand in its way.
    if (command.name === "estop") return this.#stop(actor, command.reason);
    if (actor.role !== "operator") throw new GraspGroundingError("ACCESS_ROLE", { what: command.name });
    switch (command.name) {
      case "lease.take":
        return { inControl: this.lease.take(actor) };
      case "lease.release":
        return this.lease.release(actor);
      case "lease.grant":
        return this.lease.grant(actor);
      default:
        this.lease.require(actor);
        return this.#control(actor, command);
    }
  }

  async #control(actor: Actor, command: Command): Promise<unknown> {
    switch (command.name) {
      case "ask":
        return this.#ask(command.query);
      case "follow":
        this.#asker.setFollow(command.query?.trim() || undefined);
        return;
      case "identify":
        return { candidates: await this.#asker.identify(command.x, command.y) };
      case "choose":
        return this.#asker.choose(command.answer, command.candidate);
      case "forget":
        return this.#asker.forget();
      case "play":
        return this.#playback().play();
      case "pause":
        return this.#playback().pause();
      case "seek":
        return this.#playback().seek(command.position);
      case "step":
        return this.#playback().step(command.frames);
      case "rate":
        return this.#playback().setRate(command.rate);
      case "loop":
        return this.#playback().setLoop(command.loop);
      case "pick":
        return this.#pick(actor, command.answer);
      case "jog":
        this.#requireGo();
        return this.#arm().startJog(actor);
      case "release":
        return this.#motion?.release(actor.id);
      case "estop.reset":
        this.#motion?.reset(actor);
        this.store.set({ estop: { latched: false } }, true);
        this.log("warn", `${actor.name} reset the emergency stop`);
        return;
      default:
        throw new GraspGroundingError("USAGE", {
          detail: `${command.name} is not a command of this console`,
        });
    }
  }

  async #ask(query: string): Promise<Answer> {
    const answer = await this.#asker.ask(query);
    if (answer.position !== undefined) {
      const mark = { position: answer.position, query: answer.result.query, found: answer.result.found };
      this.#marks = [...this.#marks, mark].slice(-keptMarks);
      this.store.set({ marks: this.#marks });
    }
    return answer;
  }

  async #pick(actor: Actor, answer: number): Promise<{ readonly message: string }> {
    this.#requireGo();
    const { frame, result, chosen } = this.#asker.kept(answer);
    const message = await this.#arm().pick(actor, frame, result, chosen);
    this.log("info", `${actor.name}: ${message}`);
    return { message };
  }

  #requireGo(): void {
    if (this.store.value.estop.latched) throw new GraspGroundingError("ESTOP_LATCHED");
  }

  #arm(): Motion {
    if (this.#motion === undefined)
      throw new GraspGroundingError("EXECUTE_REFUSED", { detail: "no arm is connected" });
    return this.#motion;
  }

  #stop(actor: Actor, reason: string | undefined): void {
    this.#motion?.estop(actor.name);
    const by = { by: actor.name, at: new Date().toISOString(), ...(reason !== undefined && { reason }) };
    // Latched: who pressed first stays named until the reset.
    if (!this.store.value.estop.latched) this.store.set({ estop: { latched: true, ...by } }, true);
    this.log("warn", `${actor.name} pressed the emergency stop${reason === undefined ? "" : `: ${reason}`}`);
  }

  #playback(): Playback {
    if (this.#source.playback === undefined) throw new GraspGroundingError("CONSOLE_NO_RECORDING");
    return this.#source.playback;
  }

  #frame(source: SourceFrame): void {
    const { frame, position } = source;
    this.#rate.count();
    this.#asker.frame(source);
    this.#last = {
      header: {
        seq: ++this.#seq,
        width: frame.colour.width,
        height: frame.colour.height,
        stamp: String(frame.stamp),
        frameId: frame.frameId,
        ...(position !== undefined && { position }),
      },
      encoded: new EncodedFrame(frame.colour),
      arrived: performance.now(),
    };
    for (const client of this.#clients) client.frame(this.#last);
    if (this.#source.playback !== undefined) this.store.set({ playback: this.#source.playback.state });
  }

  #broadcastAnswers(answers: readonly Answer[]): void {
    for (const client of this.#clients) client.send({ type: "answers", answers });
  }

  #watch(metrics: Metrics | undefined): void {
    metrics?.watch("console_clients", "Browsers and programs connected", "gauge", () => this.#clients.size);
    metrics?.watch("pictures_total", "Pictures shown", "counter", () => this.#seq);
    metrics?.watch("questions_waiting", "Questions not answered yet", "gauge", () => this.#asker.waiting);
    metrics?.watch("estop_latched", "1 while the emergency stop is on", "gauge", () =>
      Number(this.store.value.estop.latched),
    );
  }

  #showSource(): void {
    const { kind, name, problems, playback } = this.#source;
    const known = new Set(this.store.value.source.problems);
    for (const problem of problems) if (!known.has(problem)) this.log("warn", problem);
    this.store.set({
      source: { kind, name, problems: [...problems] },
      ...(playback !== undefined && { playback: playback.state }),
    });
  }

  #showModel(): void {
    const { waiting, follow } = this.#asker;
    this.store.set({ model: { ...this.store.value.model, busy: waiting > 0, waiting }, follow });
  }

  #showStats(): void {
    const { latency, missed } = this.#asker;
    this.store.set({
      stats: {
        fps: this.#rate.value,
        dropped: this.#source.dropped,
        modelDropped: missed,
        clients: this.#clients.size,
        latency: { ...latency },
      },
    });
    if (
      this.#audit.failure !== undefined &&
      !this.store.value.log.some(({ text }) => text.startsWith("audit"))
    )
      this.log("error", `audit log: ${describe(this.#audit.failure)}`);
  }

  #showLease(): void {
    const { holder, wanted } = this.lease;
    this.store.set({
      lease: {
        ...(holder !== undefined && { holder: holder.name, holderId: holder.id }),
        ...(wanted !== undefined && { wanted: wanted.name }),
      },
    });
  }
}

/** Pictures a second over the last two seconds. */
class FrameRate {
  #times: number[] = [];

  count(): void {
    this.#times.push(performance.now());
    if (this.#times.length > 400) this.#times = this.#times.slice(-200);
  }

  get value(): number {
    const now = performance.now();
    this.#times = this.#times.filter((time) => now - time < 2000);
    return Math.round((this.#times.length / 2) * 10) / 10;
  }
}
