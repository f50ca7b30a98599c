import { asCatalogued, describe, GraspGroundingError } from "../../errors/index.js";
import type { RgbdFrame, Vec3 } from "../../geometry/index.js";
import type { Metrics } from "../../metrics/index.js";
import { needsConfirmation } from "../confirmation.js";
import type { Motion } from "../motion/motion.js";
import { pointAt } from "../motion/motion-goals.js";
import type { Place } from "../motion/proposal.js";
import { redetectAfterMotion, redetectTarget } from "../motion/redetect-target.js";
import { refused } from "../motion/refused.js";
import type { Answer, Command, ConsoleState, MotionPreview } from "../protocol.js";
import type { RecordedCommand } from "../session-file.js";
import type { ConsoleSource, Playback } from "../types.js";
import type { AuditEntry, AuditLog } from "./audit.js";
import type { Actor, Lease } from "./lease.js";
import type { QueryService } from "./query-service.js";
import type { StateStore } from "./state.js";

/** What commands act on. */
export interface CommandDependencies {
  readonly store: StateStore;
  readonly lease: Lease;
  readonly queries: QueryService;
  readonly source: ConsoleSource;
  readonly audit: AuditLog;
  readonly metrics: Metrics | undefined;
  /** The arm connected now. */
  motion(): Motion | undefined;
  log(level: ConsoleState["log"][number]["level"], text: string): void;
  /** A command was carried out or refused: it belongs into the recorded session. */
  recorded(command: RecordedCommand): void;
  /** Parameters of the source were set. */
  sourceChanged(): void;
}

/** Marks of the timeline; the oldest go first. */
const maxMarks = 200;
/** Seconds after which a live image is too old to move by: the object is detected again before the motion. */
const maxProposalAge = 1;

/** Carries out the commands of those who may give them, and writes each into the audit log. */
export class Commands {
  readonly #dependencies: CommandDependencies;
  #marks: ConsoleState["marks"] = [];

  constructor(dependencies: CommandDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws GraspGroundingError ACCESS_ROLE, LEASE_HELD, and those of the command */
  async execute(actor: Actor, command: Command): Promise<unknown> {
    const { metrics } = this.#dependencies;
    const { name, ...details } = command;
    try {
      const result = await this.#dispatch(actor, command);
      this.#write(actor, { what: name, outcome: "done", details });
      return result;
    } catch (error) {
      const { code, entry } = asCatalogued(error);
      const outcome = entry.httpStatus < 500 ? "refused" : "failed";
      metrics?.failed(error);
      this.#write(actor, { what: name, outcome, details, code });
      throw error;
    }
  }

  #write(actor: Actor, entry: AuditEntry): void {
    const { audit, recorded } = this.#dependencies;
    audit.write(actor, entry);
    recorded({ who: actor.name, ...entry });
  }

  #dispatch(actor: Actor, command: Command): unknown {
    const { lease } = this.#dependencies;
    // Every signed-in client may stop, and nothing may block it.
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
    const { queries } = this.#dependencies;
    switch (command.name) {
      case "ask":
        return this.#ask(actor, command.query);
      case "follow":
        queries.setFollow(command.query?.trim() || undefined);
        return;
      case "identify":
        return { candidates: await queries.identify(command.x, command.y) };
      case "choose":
        return queries.choose(command.answer, command.candidate, clientOf(actor));
      case "confirm":
        return queries.store.confirm(command.answer);
      case "forget":
        return queries.store.clear();
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
        return this.#place(actor, command.at, command.here);
      case "gripper":
        return this.#motion(actor, (arm) => arm.moveGripper(actor, command.action));
      case "move":
        return this.#motion(actor, async (arm) => arm.moveTo(actor, await this.#frame(), command.to));
      case "parameter":
        return this.#setParameter(command.parameter, command.value);
      case "jog":
        this.#requireGo();
        return this.#arm().startJog(actor, command.limit);
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

  async #ask(actor: Actor, query: string): Promise<Answer> {
    const { queries, store, log } = this.#dependencies;
    log("info", `${actor.name} asked “${query.trim()}”`);
    const answer = await queries.ask(query, clientOf(actor));
    log("info", `“${answer.result.query}”: ${inWords(answer)}`);
    if (answer.position !== undefined) {
      const mark = { position: answer.position, query: answer.result.query, found: answer.result.found };
      this.#marks = [...this.#marks, mark].slice(-maxMarks);
      store.set({ marks: this.#marks });
    }
    return answer;
  }

  /** Picks by what the camera sees now: a proposal from an earlier image is made anew first. */
  async #pick(actor: Actor, answer: number): Promise<{ readonly message: string }> {
    const { queries, source } = this.#dependencies;
    const { store } = queries;
    return this.#motion(actor, async (arm) => {
      const { answer: shownAnswer, ...of } = store.answerById(answer);
      if (needsConfirmation(shownAnswer))
        throw new GraspGroundingError("CONSOLE_UNCONFIRMED", { query: shownAnswer.result.query });
      const stored = { answer, ...of };
      const shown = stored.frame.stamp === queries.stamp;
      const recent = shown || (source.kind === "live" && arm.age(stored.frame) <= maxProposalAge);
      const thumbnail = store.crop(answer, stored.chosen);
      const proposal = recent ? stored : await redetectTarget(queries, arm, stored);
      return arm.pick(actor, { ...proposal, thumbnail }, (signal) =>
        redetectAfterMotion(queries, arm, proposal, signal),
      );
    });
  }

  async #preview(answer: number): Promise<MotionPreview> {
    const { frame, result, chosen } = this.#dependencies.queries.store.answerById(answer);
    return this.#arm().preview({ answer, frame, result, chosen });
  }

  async #place(
    actor: Actor,
    at: readonly [number, number] | undefined,
    here = false,
  ): Promise<{ readonly message: string }> {
    return this.#motion(actor, async (arm) => {
      const frame = await this.#frame();
      let place: Place = here ? "here" : "back";
      if (at !== undefined) {
        const camera = frame === undefined ? undefined : arm.cameraInBase(frame);
        const point: Vec3 | undefined = frame && camera && pointAt(frame, at[0], at[1], camera);
        if (point === undefined) throw refused("nothing was measured at that point");
        place = point;
      }
      return arm.place(actor, frame, place);
    });
  }

  /** Runs a motion that lasts as long as its button is held, and logs how it ended. */
  async #motion(actor: Actor, run: (arm: Motion) => Promise<string>): Promise<{ readonly message: string }> {
    this.#requireGo();
    const { log } = this.#dependencies;
    try {
      const message = await run(this.#arm());
      log("info", `${actor.name}: ${message}`);
      return { message };
    } catch (error) {
      log("warn", `${actor.name}: ${describe(error)}`);
      throw error;
    }
  }

  /** What the camera sees now, with depth; undefined before the first image. */
  #frame(): Promise<RgbdFrame | undefined> {
    return this.#dependencies.queries.completeFrame().catch(() => undefined);
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
    // The emergency stop is latched: who pressed first stays named until the reset; pressing often fills no log.
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

/** Whose queries these are, for the pipeline. */
const clientOf = ({ id }: Actor): string => `console/${id}`;

/** An answer in one line, with what the query was taken for, and the question that was asked back. */
function inWords({ understood, text, result, confirmed }: Answer): string {
  return [understood, text, confirmed ? undefined : result.question?.text]
    .filter((part) => part !== undefined)
    .join("; ");
}
