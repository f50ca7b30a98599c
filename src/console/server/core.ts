import { describe, GraspGroundingError } from "../../errors/index.js";
import type { RgbdFrame } from "../../geometry/index.js";
import type { Metrics } from "../../metrics/index.js";
import { type ConsoleArm, noArm } from "../motion/console-arm.js";
import { Motion } from "../motion/motion.js";
import type { HealthItem } from "../protocol.js";
import type { ConsolePipeline, ConsoleSource, SourceFrame } from "../types.js";
import type { AuditLog } from "./audit.js";
import { Clients } from "./clients.js";
import { Commands } from "./commands.js";
import { ConsoleLog } from "./console-log.js";
import { FrameRate } from "./frame-rate.js";
import { healthOf } from "./health.js";
import { Lease } from "./lease.js";
import type { LiveClient } from "./live-client.js";
import { QueryService } from "./query-service.js";
import { SessionRecorder } from "./session-recorder.js";
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

/**
 * The console without its server: connects source, questions, arm and clients, and holds the state that all clients
 * see.
 */
export class ConsoleCore {
  readonly store: StateStore;
  readonly lease: Lease;
  readonly log: ConsoleLog;
  readonly clients = new Clients();
  readonly queries: QueryService;
  readonly commands: Commands;
  readonly recorder: SessionRecorder;
  readonly #source: ConsoleSource;
  readonly #pipeline: ConsolePipeline;
  readonly #audit: AuditLog;
  readonly #rate = new FrameRate();
  readonly #timer: NodeJS.Timeout;
  #motion: Motion | undefined;
  #frame: RgbdFrame | undefined;
  #refused = 0;
  #refusedSaid = Number.NEGATIVE_INFINITY;

  constructor({ source, pipeline, audit, arm, provider, metrics }: CoreOptions) {
    this.#source = source;
    this.#pipeline = pipeline;
    this.#audit = audit;
    this.lease = new Lease(() => this.#showLease());
    this.log = new ConsoleLog((lines) => this.store.set({ log: [...lines] }));
    this.queries = new QueryService(pipeline, {
      answers: (answers) => {
        this.recorder.answers(answers);
        this.clients.send({ type: "answers", answers });
      },
      changed: () => this.#showModel(),
      failed: (error) => {
        metrics?.failed(error);
        this.log.add("error", describe(error));
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
    this.commands = new Commands({
      store: this.store,
      lease: this.lease,
      queries: this.queries,
      source,
      audit,
      metrics,
      motion: () => this.#motion,
      log: (level, text) => this.log.add(level, text),
      sourceChanged: () => this.#showSource(),
      recorded: (command) => this.recorder.command(command),
    });
    this.recorder = new SessionRecorder({
      snapshot: () => ({ state: this.store.value, answers: this.queries.answers }),
      assetsOf: ({ id }) => this.queries.store.assets(id),
      gripperAssets: async () => {
        const { thumbnail } = this.store.value.arm.gripper ?? {};
        const data = await this.#motion?.object?.thumbnail;
        return data === undefined ? [] : [{ path: `gripper.jpg?${thumbnail}`, data }];
      },
      assets: () => {
        const robot = this.#motion?.robot;
        return robot === undefined ? [] : [{ path: "robot", data: Buffer.from(JSON.stringify(robot)) }];
      },
    });
    this.connectArm(arm);
    this.store.subscribe((changed) => {
      this.recorder.state(changed);
      this.clients.sendState(changed, this.store.value);
    });
    this.#watch(metrics);
    this.#timer = setInterval(() => this.#showStats(), 500);
    this.#timer.unref();
  }

  /** Takes an arm that has become ready, or disconnects the one that is gone (undefined). */
  connectArm(arm: ConsoleArm | undefined): void {
    this.#motion?.close();
    this.#motion =
      arm === undefined
        ? undefined
        : new Motion(arm, {
            changed: (state) => this.store.set({ arm: state }),
            log: (level, text) => this.log.add(level, text),
          });
    this.store.set({ arm: this.#motion?.state ?? noArm });
    if (this.store.value.estop.latched) this.#motion?.estop("console");
  }

  start(): void {
    this.#source.start({
      frame: (frame) => this.#show(frame),
      changed: () => this.#showSource(),
      answered: (source, results) => {
        for (const result of results) this.queries.adopt(source, result);
      },
      log: (level, text) => this.log.add(level, text),
    });
  }

  /** The arm connected now. */
  get motion(): Motion | undefined {
    return this.#motion;
  }

  /** The image shown now, as JPEG. @throws GraspGroundingError CONSOLE_NO_FRAME */
  async image(): Promise<{ readonly jpeg: Buffer; readonly stamp: string }> {
    const { last } = this.clients;
    if (last === undefined) throw new GraspGroundingError("CONSOLE_NO_FRAME");
    return { jpeg: await last.encoded.jpeg(0), stamp: last.header.stamp };
  }

  join(client: LiveClient): void {
    this.lease.returned(client.identity.id);
    this.clients.join(client, this.store.value, this.queries.answers);
    this.#source.watched?.(this.clients.size);
    this.#showStats();
  }

  leave(client: LiveClient): void {
    const { id } = client.identity;
    const connected = this.clients.leave(client);
    this.#source.watched?.(this.clients.size);
    // A motion lives by one connection's heartbeat: it ends with any of its operator's connections.
    this.#motion?.release(id, "disconnected");
    if (!connected) this.lease.left(id);
    this.#showStats();
  }

  /** Counts a connection that was refused because there are too many, and says so once a minute. */
  refusedConnection(): void {
    this.#refused++;
    if (performance.now() < this.#refusedSaid + 60_000) return;
    this.#refusedSaid = performance.now();
    this.log.add("warn", `too many connections at once: ${this.#refused} refused so far`);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#motion?.close();
    this.lease.close();
    await this.#source.close();
    await this.queries.idle();
    this.store.close();
  }

  #show(source: SourceFrame): void {
    this.#rate.count();
    this.queries.frame(source);
    this.#frame = source.frame;
    this.recorder.frame(this.clients.frame(source));
    if (this.#source.playback !== undefined) this.store.set({ playback: this.#source.playback.state });
  }

  #watch(metrics: Metrics | undefined): void {
    metrics?.watch("console_clients", "Browsers and programs connected", "gauge", () => this.clients.size);
    metrics?.watch(
      "console_connections_refused_total",
      "Connections refused because there were too many",
      "counter",
      () => this.#refused,
    );
    metrics?.watch("pictures_total", "Images shown", "counter", () => this.clients.shown);
    metrics?.watch("questions_waiting", "Questions not answered yet", "gauge", () => this.queries.waiting);
    metrics?.watch("estop_latched", "1 while the emergency stop is on", "gauge", () =>
      Number(this.store.value.estop.latched),
    );
  }

  #showSource(): void {
    const { kind, name, problems, playback, parameters } = this.#source;
    const known = new Set(this.store.value.source.problems);
    for (const problem of problems) if (!known.has(problem)) this.log.add("warn", problem);
    this.store.set({
      source: { kind, name, problems: [...problems] },
      ...(playback !== undefined && { playback: playback.state }),
      ...(parameters !== undefined && { parameters: [...parameters] }),
      health: this.#health(),
    });
  }

  #showModel(): void {
    const { waiting, follow } = this.queries;
    const { model: name } = this.#pipeline;
    this.store.set({ model: { ...this.store.value.model, name, busy: waiting > 0, waiting }, follow });
  }

  #showStats(): void {
    const { latency, missed } = this.queries;
    const silence = this.#silence;
    this.#showModel();
    this.store.set({
      stats: {
        fps: this.#rate.value,
        dropped: this.#source.dropped,
        modelDropped: missed,
        clients: this.clients.size,
        latency: { ...latency },
        ...(silence !== undefined && { silence }),
      },
      health: this.#health(),
    });
    if (
      this.#audit.failure !== undefined &&
      !this.store.value.log.some(({ text }) => text.startsWith("audit"))
    )
      this.log.add("error", `audit log: ${describe(this.#audit.failure)}`);
  }

  /** A recording may pause; a camera does not. */
  get #silence(): number | undefined {
    return this.#source.kind === "live" ? this.#rate.silence : undefined;
  }

  #health(): HealthItem[] {
    const frame = this.#frame;
    return healthOf({
      source: this.#source,
      state: this.store.value,
      fps: frame === undefined ? undefined : this.#rate.value,
      silence: this.#silence,
      missed: this.queries.missed,
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
