import type { BridgeResult } from "../bridge/index.js";
import { asCatalogued, describe, GraspGroundingError } from "../errors/index.js";
import { boxIou, type Pose, type RgbdFrame, transformPoint, type Vec3 } from "../geometry/index.js";
import type { Metrics } from "../metrics/index.js";
import { Asker } from "./asker.js";
import type { AuditLog } from "./audit.js";
import { EncodedFrame } from "./encoder.js";
import { type Actor, Lease } from "./lease.js";
import type { LiveClient, LiveFrame } from "./live-client.js";
import { type ConsoleArm, Motion, type Proposal } from "./motion.js";
import { pointAt } from "./motion-goals.js";
import { cloudOf } from "./pictures.js";
import type { Answer, Command, ConsoleState, HealthItem, MotionPreview, RobotView } from "./protocol.js";
import { StateStore } from "./state.js";
import type { ConsoleBridge, ConsoleSource, Playback, SourceFrame } from "./types.js";

export interface CoreOptions {
  readonly source: ConsoleSource;
  readonly bridge: ConsoleBridge;
  /** Execution provider of the model, for people. */
  readonly provider?: string;
  readonly audit: AuditLog;
  /** Without one grasps are shown and nothing moves. */
  readonly arm?: ConsoleArm;
  /** Counts answers, errors and commands. */
  readonly metrics?: Metrics;
}

/** Log lines and marks kept for the page. */
const keptLines = 100;
const keptMarks = 200;
/** Seconds after which a live picture is too old to move by: the console looks again. */
const fresh = 1;
/** Metres a thing may have moved since it was looked at and still be the same. */
const moved = 0.03;

/**
 * The console without its server: takes commands from whoever may give them, keeps the state everybody sees, and hands
 * pictures to the clients.
 */
export class ConsoleCore {
  readonly store: StateStore;
  readonly lease: Lease;
  readonly #source: ConsoleSource;
  readonly #asker: Asker;
  readonly #bridge: ConsoleBridge;
  readonly #audit: AuditLog;
  readonly #metrics: Metrics | undefined;
  readonly #clients = new Set<LiveClient>();
  readonly #rate = new FrameRate();
  readonly #timer: NodeJS.Timeout;
  #motion: Motion | undefined;
  #last: (LiveFrame & { readonly frame: RgbdFrame }) | undefined;
  #seq = 0;
  #marks: ConsoleState["marks"] = [];

  constructor({ source, bridge, audit, arm, provider, metrics }: CoreOptions) {
    this.#source = source;
    this.#bridge = bridge;
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
      cameraInBase: (frame) => this.#motion?.cameraInBase(frame),
    });
    this.store = new StateStore({
      source: { kind: source.kind, name: source.name, problems: [...source.problems] },
      ...(source.playback !== undefined && { playback: source.playback.state }),
      marks: [],
      model: { name: bridge.model, busy: false, waiting: 0, ...(provider !== undefined && { provider }) },
      stats: { fps: 0, dropped: 0, modelDropped: 0, clients: 0, latency: {} },
      lease: {},
      estop: { latched: false },
      arm: noArm,
      health: [],
      ...(source.parameters !== undefined && { parameters: [...source.parameters] }),
      log: [],
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
    return this.#asker.answers;
  }

  /** How to draw the arm, where there is one that can be drawn. */
  get robot(): RobotView | undefined {
    return this.#motion?.robot;
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
    this.#source.watched?.(this.#clients.size);
    this.lease.returned(client.identity.id);
    client.hello(this.store.value, this.#asker.answers);
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
      case "preview":
        return this.#preview(command.answer);
      case "place":
        return this.#place(actor, command.at);
      case "parameter":
        return this.#setParameter(command.parameter, command.value);
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
    const arm = this.#arm();
    const proposal = { answer, ...this.#asker.kept(answer) };
    const message = await arm.pick(actor, await this.#upToDate(arm, proposal));
    this.log("info", `${actor.name}: ${message}`);
    return { message };
  }

  async #preview(answer: number): Promise<MotionPreview> {
    return this.#arm().preview({ answer, ...this.#asker.kept(answer) });
  }

  /** A person takes longer than a picture may be old: the console then looks again and moves by what it sees now. */
  async #upToDate(arm: Motion, proposal: Proposal): Promise<Proposal> {
    if (this.#source.kind === "bag" || arm.age(proposal.frame) <= fresh) return proposal;
    const { answer, chosen, result } = proposal;
    const wanted = result.grounding.detections[chosen];
    const before = arm.cameraInBase(proposal.frame);
    const { frame, result: now } = await this.#asker.look(answer);
    const gone = (detail: string) => new GraspGroundingError("MOTION_REFUSED", { detail });
    // The same thing is where most of its box was; of several alike the nearest in the picture.
    const overlaps = now.grounding.detections.map(({ box }) => (wanted ? boxIou(box, wanted.box) : 0));
    const best = overlaps.indexOf(Math.max(...overlaps));
    const detection = now.grounding.detections[best];
    if (detection === undefined) throw gone("the object is not seen any more; ask again");
    const plan =
      best === 0
        ? { grasps: now.grasps, reason: now.graspFailure }
        : await this.#asker.plan(frame, detection);
    const after = arm.cameraInBase(frame);
    const nearest = distances(plan?.grasps ?? [], after, result.grasps, before);
    if (nearest > moved)
      throw gone(
        Number.isFinite(nearest)
          ? "the object is not where it was when you looked; ask again"
          : (plan?.reason ?? "no grasp is seen any more; ask again"),
      );
    return { answer, chosen: best, frame, result: { ...now, grasps: plan?.grasps ?? [] } };
  }

  async #place(
    actor: Actor,
    at: readonly [number, number] | undefined,
  ): Promise<{ readonly message: string }> {
    this.#requireGo();
    const arm = this.#arm();
    const frame = await this.#asker.whole().catch(() => undefined);
    let point: Vec3 | undefined;
    if (at !== undefined) {
      const camera = frame === undefined ? undefined : arm.cameraInBase(frame);
      point = frame && camera && pointAt(frame, at[0], at[1], camera);
      if (point === undefined)
        throw new GraspGroundingError("MOTION_REFUSED", { detail: "nothing was measured at that point" });
    }
    const message = await arm.place(actor, frame, point);
    this.log("info", `${actor.name}: ${message}`);
    return { message };
  }

  #setParameter(name: string, value: boolean | number | string): void {
    if (this.#source.setParameter === undefined)
      throw new GraspGroundingError("USAGE", { detail: "there are no parameters here" });
    this.#source.setParameter(name, value);
    this.#showSource();
  }

  #adopt(source: SourceFrame, results: readonly BridgeResult[]): void {
    for (const result of results) this.#asker.adopt(source, result);
  }

  #requireGo(): void {
    if (this.store.value.estop.latched) throw new GraspGroundingError("ESTOP_LATCHED");
  }

  #arm(): Motion {
    if (this.#motion === undefined)
      throw new GraspGroundingError("MOTION_REFUSED", { detail: "no arm is connected" });
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
    metrics?.watch("pictures_total", "Pictures shown", "counter", () => this.#seq);
    metrics?.watch("questions_waiting", "Questions not answered yet", "gauge", () => this.#asker.waiting);
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
    const { waiting, follow } = this.#asker;
    const { model: name } = this.#bridge;
    this.store.set({ model: { ...this.store.value.model, name, busy: waiting > 0, waiting }, follow });
  }

  #showStats(): void {
    const { latency, missed } = this.#asker;
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

  /** What the source says of its parts, and the console of its own. */
  #health(): HealthItem[] {
    const { problems, health = [], dropped } = this.#source;
    const { model, arm } = this.store.value;
    const fps = this.#rate.value;
    const camera: HealthItem = {
      name: "pictures",
      level: problems.length > 0 ? "warn" : this.#last === undefined ? "stale" : "ok",
      text: problems[0] ?? (this.#last === undefined ? "no picture yet" : `${fps.toFixed(1)} a second`),
      values: { left_out: String(dropped), missed_by_the_model: String(this.#asker.missed) },
    };
    const motion: HealthItem[] =
      this.#motion === undefined
        ? []
        : [
            { name: "arm", level: arm.available || arm.moving ? "ok" : "warn", text: arm.text, values: {} },
            this.#place3d(),
          ];
    const grounding: HealthItem = {
      name: "model",
      level: model.name === "" ? "error" : "ok",
      text:
        model.name === "" ? "not loaded" : `${model.name}${model.provider ? ` on ${model.provider}` : ""}`,
      values: { waiting: String(model.waiting) },
    };
    const own = [camera, grounding, ...motion].filter(
      ({ name }) => !health.some((other) => other.name === name),
    );
    return [...own, ...health];
  }

  /** Whether the console knows where the camera is on the robot. */
  #place3d(): HealthItem {
    const frame = this.#last?.frame;
    const known = frame !== undefined && this.#motion?.cameraInBase(frame) !== undefined;
    return {
      name: "camera on the robot",
      level: known ? "ok" : "warn",
      text: known ? "known" : "not known: nothing can be grasped",
      values: {},
    };
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

/** Least distance between the first grasp of before and any of now, in the robot's base; Infinity where there is none. */
function distances(
  now: BridgeResult["grasps"],
  nowFrom: Pose | undefined,
  before: BridgeResult["grasps"],
  beforeFrom: Pose | undefined,
): number {
  const [first] = before;
  if (first === undefined || nowFrom === undefined || beforeFrom === undefined)
    return Number.POSITIVE_INFINITY;
  const [x, y, z] = transformPoint(beforeFrom, first.pose.position);
  return Math.min(
    Number.POSITIVE_INFINITY,
    ...now.map(({ pose }) => {
      const [u, v, w] = transformPoint(nowFrom, pose.position);
      return Math.hypot(u - x, v - y, w - z);
    }),
  );
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

const noArm: ConsoleState["arm"] = {
  available: false,
  moving: false,
  jogs: false,
  robot: false,
  holding: false,
  text: "no arm is connected: grasps are shown, nothing moves",
};
