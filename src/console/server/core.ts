import { describe, GraspGroundingError } from "../../errors/index.js";
import type { RgbdFrame, Vec3 } from "../../geometry/index.js";
import type { Metrics } from "../../metrics/index.js";
import type { PipelineResult } from "../../pipeline/index.js";
import { type ConsoleArm, noArm } from "../motion/console-arm.js";
import { Motion } from "../motion/motion.js";
import type { Answer, Command, ConsoleState, HealthItem, RobotView } from "../protocol.js";
import type { ConsolePipeline, ConsoleSource, SourceFrame } from "../types.js";
import type { AuditLog } from "./audit.js";
import { Commands } from "./commands.js";
import { EncodedFrame } from "./encoder.js";
import { FrameRate } from "./frame-rate.js";
import { healthOf } from "./health.js";
import { type Actor, Lease } from "./lease.js";
import type { LiveClient, LiveFrame } from "./live-client.js";
import { cloudOf } from "./pictures.js";
import { QueryService } from "./query-service.js";
import { StateStore } from "./state.js";

export interface CoreOptions {
  readonly source: ConsoleSource;
  readonly pipeline: ConsolePipeline;
  /** Execution provider of the model, for people. */
  readonly provider?: string;
  readonly audit: AuditLog;
  /** Without one grasps are shown and nothing moves. */
  readonly arm?: ConsoleArm;
  /** Counts answers, errors and commands. */
  readonly metrics?: Metrics;
}

/** Log lines kept for the page. */
const maxLogLines = 100;

/**
 * The console without its server: keeps the state everybody sees, hands images to the clients, and passes on what they
 * ask for.
 */
export class ConsoleCore {
  readonly store: StateStore;
  readonly lease: Lease;
  readonly #source: ConsoleSource;
  readonly #queryService: QueryService;
  readonly #commands: Commands;
  readonly #pipeline: ConsolePipeline;
  readonly #audit: AuditLog;
  readonly #clients = new Set<LiveClient>();
  readonly #rate = new FrameRate();
  readonly #timer: NodeJS.Timeout;
  #motion: Motion | undefined;
  #last: (LiveFrame & { readonly frame: RgbdFrame }) | undefined;
  #seq = 0;

  constructor({ source, pipeline, audit, arm, provider, metrics }: CoreOptions) {
    this.#source = source;
    this.#pipeline = pipeline;
    this.#audit = audit;
    this.lease = new Lease(() => this.#showLease());
    this.#queryService = new QueryService(pipeline, {
      answers: (answers) => this.#broadcastAnswers(answers),
      changed: () => this.#showModel(),
      failed: (error) => {
        metrics?.failed(error);
        this.log("error", describe(error));
      },
      answered: ({ grounding }) => metrics?.answered(grounding.found ? "found" : "not_found"),
      cameraInBase: (frame) => this.#motion?.cameraInBase(frame),
    });
    this.store = new StateStore({
      source: { kind: source.kind, name: source.name, problems: [...source.problems] },
      ...(source.playback !== undefined && { playback: source.playback.state }),
      marks: [],
      model: { name: pipeline.model, busy: false, waiting: 0, ...(provider !== undefined && { provider }) },
      stats: { fps: 0, dropped: 0, modelDropped: 0, clients: 0, latency: {} },
      lease: {},
      estop: { latched: false },
      arm: noArm,
      health: [],
      ...(source.parameters !== undefined && { parameters: [...source.parameters] }),
      log: [],
    });
    this.#commands = new Commands({
      store: this.store,
      lease: this.lease,
      queryService: this.#queryService,
      source,
      audit,
      metrics,
      motion: () => this.#motion,
      log: (level, text) => this.log(level, text),
      sourceChanged: () => this.#showSource(),
    });
    this.connectArm(arm);
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

  /** Takes an arm that has come, or lets go of one that is gone (undefined). */
  connectArm(arm: ConsoleArm | undefined): void {
    this.#motion?.close();
    this.#motion = arm === undefined ? undefined : new Motion(arm, (state) => this.store.set({ arm: state }));
    this.store.set({ arm: this.#motion?.state ?? noArm });
    if (this.store.value.estop.latched) this.#motion?.estop("console");
  }

  start(): void {
    this.#source.start({
      frame: (frame) => this.#frame(frame),
      changed: () => this.#showSource(),
      answered: (source, results) => this.#adopt(source, results),
      log: (level, text) => this.log(level, text),
    });
  }

  get answers(): readonly Answer[] {
    return this.#queryService.answers;
  }

  /** How to draw the arm, where there is one that can be drawn. */
  get robot(): RobotView | undefined {
    return this.#motion?.robot;
  }

  /** The image shown now, as JPEG. @throws GraspGroundingError CONSOLE_NO_FRAME */
  async image(): Promise<{ readonly jpeg: Buffer; readonly stamp: string }> {
    if (this.#last === undefined) throw new GraspGroundingError("CONSOLE_NO_FRAME");
    return { jpeg: await this.#last.encoded.jpeg(0), stamp: this.#last.header.stamp };
  }

  /** Points of the image an answer is about. @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  cloud(answer: number): Buffer {
    return cloudOf(this.#queryService.answerById(answer).frame);
  }

  /** @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  heat(answer: number): Promise<Buffer> {
    return this.#queryService.heat(answer);
  }

  /** @throws GraspGroundingError CONSOLE_ANSWER_GONE */
  crop(answer: number, candidate: number): Promise<Buffer> {
    return this.#queryService.crop(answer, candidate);
  }

  join(client: LiveClient): void {
    this.#clients.add(client);
    this.#source.watched?.(this.#clients.size);
    this.lease.returned(client.identity.id);
    client.hello(this.store.value, this.#queryService.answers);
    if (this.#last !== undefined) client.frame({ ...this.#last, arrived: performance.now() });
    this.#showStats();
  }

  leave(client: LiveClient): void {
    client.close();
    this.#clients.delete(client);
    this.#source.watched?.(this.#clients.size);
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

  /** The same for one joint. */
  turned(actor: Actor, joint: number, velocity: number): void {
    if (!this.store.value.estop.latched) this.#motion?.turn(actor, joint, velocity);
  }

  /** Ends every live connection; browsers come back by themselves. */
  dropClients(): void {
    for (const client of this.#clients) client.end();
  }

  /**
   * Does what somebody asks, if they may, and writes it down.
   * @throws GraspGroundingError ACCESS_ROLE, LEASE_HELD, and those of the command
   */
  execute(actor: Actor, command: Command): Promise<unknown> {
    return this.#commands.execute(actor, command);
  }

  log(level: ConsoleState["log"][number]["level"], text: string): void {
    const line = { at: new Date().toISOString(), level, text };
    this.store.set({ log: [line, ...this.store.value.log].slice(0, maxLogLines) });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#motion?.close();
    this.lease.close();
    await this.#source.close();
    await this.#queryService.idle();
    this.store.close();
  }

  #adopt(source: SourceFrame, results: readonly PipelineResult[]): void {
    for (const result of results) this.#queryService.adopt(source, result);
  }

  #frame(source: SourceFrame): void {
    const { frame, position } = source;
    this.#rate.count();
    this.#queryService.frame(source);
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
      frame,
    };
    for (const client of this.#clients) client.frame(this.#last);
    if (this.#source.playback !== undefined) this.store.set({ playback: this.#source.playback.state });
  }

  #broadcastAnswers(answers: readonly Answer[]): void {
    for (const client of this.#clients) client.send({ type: "answers", answers });
  }

  #watch(metrics: Metrics | undefined): void {
    metrics?.watch("console_clients", "Browsers and programs connected", "gauge", () => this.#clients.size);
    metrics?.watch("pictures_total", "Images shown", "counter", () => this.#seq);
    metrics?.watch(
      "questions_waiting",
      "Questions not answered yet",
      "gauge",
      () => this.#queryService.waiting,
    );
    metrics?.watch("estop_latched", "1 while the emergency stop is on", "gauge", () =>
      Number(this.store.value.estop.latched),
    );
  }

  #showSource(): void {
    const { kind, name, problems, playback, parameters } = this.#source;
    const known = new Set(this.store.value.source.problems);
    for (const problem of problems) if (!known.has(problem)) this.log("warn", problem);
    this.store.set({
      source: { kind, name, problems: [...problems] },
      ...(playback !== undefined && { playback: playback.state }),
      ...(parameters !== undefined && { parameters: [...parameters] }),
      health: this.#health(),
    });
  }

  #showModel(): void {
    const { waiting, follow } = this.#queryService;
    const { model: name } = this.#pipeline;
    this.store.set({ model: { ...this.store.value.model, name, busy: waiting > 0, waiting }, follow });
  }

  #showStats(): void {
    const { latency, missed } = this.#queryService;
    this.#showModel();
    this.store.set({
      stats: {
        fps: this.#rate.value,
        dropped: this.#source.dropped,
        modelDropped: missed,
        clients: this.#clients.size,
        latency: { ...latency },
      },
      health: this.#health(),
    });
    if (
      this.#audit.failure !== undefined &&
      !this.store.value.log.some(({ text }) => text.startsWith("audit"))
    )
      this.log("error", `audit log: ${describe(this.#audit.failure)}`);
  }

  #health(): HealthItem[] {
    const frame = this.#last?.frame;
    return healthOf({
      source: this.#source,
      state: this.store.value,
      fps: frame === undefined ? undefined : this.#rate.value,
      missed: this.#queryService.missed,
      cameraKnown: this.#motion && frame !== undefined && this.#motion.cameraInBase(frame) !== undefined,
    });
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
