import { asCatalogued, GraspGroundingError } from "../../errors/index.js";
import type { Vec3 } from "../../geometry/index.js";
import type { Metrics } from "../../metrics/index.js";
import { type Motion, refused } from "../motion/motion.js";
import { pointAt } from "../motion/motion-goals.js";
import { redetectTarget } from "../motion/redetect-target.js";
import type { Answer, Command, ConsoleState, MotionPreview } from "../protocol.js";
import type { ConsoleSource, Playback } from "../types.js";
import type { AuditLog } from "./audit.js";
import type { Actor, Lease } from "./lease.js";
import type { QueryService } from "./query-service.js";
import type { StateStore } from "./state.js";

/** What commands act on. */
export interface CommandDependencies {
  readonly store: StateStore;
  readonly lease: Lease;
  readonly queryService: QueryService;
  readonly source: ConsoleSource;
  readonly audit: AuditLog;
  readonly metrics: Metrics | undefined;
  /** The arm connected now. */
  motion(): Motion | undefined;
  log(level: ConsoleState["log"][number]["level"], text: string): void;
  /** Parameters of the source were set. */
  sourceChanged(): void;
}

/** Marks kept for the timeline. */
const maxMarks = 200;
/** Seconds after which a live image is too old to move by: the console looks again. */
const fresh = 1;

/** Carries out what somebody asks, if they may, and writes it down. */
export class Commands {
  readonly #dependencies: CommandDependencies;
  #marks: ConsoleState["marks"] = [];

  constructor(dependencies: CommandDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws GraspGroundingError ACCESS_ROLE, LEASE_HELD, and those of the command */
  async execute(actor: Actor, command: Command): Promise<unknown> {
    const { audit, metrics } = this.#dependencies;
    const { name, ...details } = command;
    try {
      const result = await this.#dispatch(actor, command);
      audit.write(actor, { what: name, outcome: "done", details });
      return result;
    } catch (error) {
      const { code, entry } = asCatalogued(error);
      const outcome = entry.httpStatus < 500 ? "refused" : "failed";
      metrics?.failed(error);
      audit.write(actor, { what: name, outcome, details, code });
      throw error;
    }
  }

  #dispatch(actor: Actor, command: Command): unknown {
    const { lease } = this.#dependencies;
    // Anybody may stop; nothing may stand in its way.
    if (command.name === "estop") return this.#stop(actor, command.reason);
    if (actor.role !== "operator") throw new GraspGroundingError("ACCESS_ROLE", { what: command.name });
    switch (command.name) {
      case "lease.take":
        return { inControl: lease.take(actor) };
      case "lease.release":
        return lease.release(actor);
      case "lease.grant":
        return lease.grant(actor);
      default:
        lease.require(actor);
        return this.#control(actor, command);
    }
  }

  async #control(actor: Actor, command: Command): Promise<unknown> {
    const { queryService } = this.#dependencies;
    switch (command.name) {
      case "ask":
        return this.#ask(command.query);
      case "follow":
        queryService.setFollow(command.query?.trim() || undefined);
        return;
      case "identify":
        return { candidates: await queryService.identify(command.x, command.y) };
      case "choose":
        return queryService.choose(command.answer, command.candidate);
      case "forget":
        return queryService.forget();
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
        return this.#dependencies.motion()?.release(actor.id);
      case "estop.reset":
        return this.#reset(actor);
      default:
        throw new GraspGroundingError("USAGE", {
          detail: `${command.name} is not a command of this console`,
        });
    }
  }

  async #ask(query: string): Promise<Answer> {
    const { queryService, store } = this.#dependencies;
    const answer = await queryService.ask(query);
    if (answer.position !== undefined) {
      const mark = { position: answer.position, query: answer.result.query, found: answer.result.found };
      this.#marks = [...this.#marks, mark].slice(-maxMarks);
      store.set({ marks: this.#marks });
    }
    return answer;
  }

  async #pick(actor: Actor, answer: number): Promise<{ readonly message: string }> {
    this.#requireGo();
    const { queryService, source, log } = this.#dependencies;
    const arm = this.#arm();
    const proposal = { answer, ...queryService.answerById(answer) };
    const recent = source.kind === "bag" || arm.age(proposal.frame) <= fresh;
    const message = await arm.pick(
      actor,
      recent ? proposal : await redetectTarget(queryService, arm, proposal),
    );
    log("info", `${actor.name}: ${message}`);
    return { message };
  }

  async #preview(answer: number): Promise<MotionPreview> {
    return this.#arm().preview({ answer, ...this.#dependencies.queryService.answerById(answer) });
  }

  async #place(
    actor: Actor,
    at: readonly [number, number] | undefined,
  ): Promise<{ readonly message: string }> {
    this.#requireGo();
    const { queryService, log } = this.#dependencies;
    const arm = this.#arm();
    const frame = await queryService.full().catch(() => undefined);
    let point: Vec3 | undefined;
    if (at !== undefined) {
      const camera = frame === undefined ? undefined : arm.cameraInBase(frame);
      point = frame && camera && pointAt(frame, at[0], at[1], camera);
      if (point === undefined) throw refused("nothing was measured at that point");
    }
    const message = await arm.place(actor, frame, point);
    log("info", `${actor.name}: ${message}`);
    return { message };
  }

  #setParameter(name: string, value: boolean | number | string): void {
    const { source, sourceChanged } = this.#dependencies;
    if (source.setParameter === undefined)
      throw new GraspGroundingError("USAGE", { detail: "there are no parameters here" });
    source.setParameter(name, value);
    sourceChanged();
  }

  #stop(actor: Actor, reason: string | undefined): void {
    const { store, motion, log } = this.#dependencies;
    motion()?.estop(actor.name);
    // Latched: who pressed first stays named until the reset, and pressing it often fills no log.
    if (store.value.estop.latched) return;
    const by = { by: actor.name, at: new Date().toISOString(), ...(reason !== undefined && { reason }) };
    store.set({ estop: { latched: true, ...by } }, true);
    log("warn", `${actor.name} pressed the emergency stop${reason === undefined ? "" : `: ${reason}`}`);
  }

  #reset(actor: Actor): void {
    const { store, motion, log } = this.#dependencies;
    motion()?.reset(actor);
    store.set({ estop: { latched: false } }, true);
    log("warn", `${actor.name} reset the emergency stop`);
  }

  #requireGo(): void {
    if (this.#dependencies.store.value.estop.latched) throw new GraspGroundingError("ESTOP_LATCHED");
  }

  #arm(): Motion {
    const motion = this.#dependencies.motion();
    if (motion === undefined) throw refused("no arm is connected");
    return motion;
  }

  #playback(): Playback {
    const { playback } = this.#dependencies.source;
    if (playback === undefined) throw new GraspGroundingError("CONSOLE_NO_RECORDING");
    return playback;
  }
}
