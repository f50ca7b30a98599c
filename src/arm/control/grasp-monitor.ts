import type { Metres, Seconds } from "../../geometry/index.js";
import type { Stage } from "../planning/sequence-types.js";
import { type Clock, deadline } from "./clock.js";
import type { GripperController, GripperProblem, GripperResult } from "./controller.js";

/** A stage that moves the fingers and not the arm. */
export type FingerStage = Exclude<Stage, { trajectory: unknown }>;

/** Why a stage of the fingers failed. */
export interface HoldProblem {
  readonly outcome: "gripper" | "nothing-held";
  /** One line for a person. */
  readonly message: string;
}

/** Readings in a row that show a lost object: a single one may be noise. */
const emptyReadingsUntilLost = 3;
/** Longest time that the gripper may take. */
const settleTimeout: Seconds = 5;

/** Moves the fingers, and reports when the object between them is lost. */
export class GraspMonitor {
  readonly #gripper: GripperController;
  readonly #clock: Clock;
  readonly #emptyBelow: Metres;
  /** An object is between the fingers as long as they are no closer than this. */
  #above: Metres | undefined;
  /** Readings in a row in which they were closer. */
  #closer = 0;

  /** @param emptyBelow fingers closer than this after closing hold nothing */
  constructor(gripper: GripperController, clock: Clock, emptyBelow: Metres = 0.002) {
    this.#gripper = gripper;
    this.#clock = clock;
    this.#emptyBelow = emptyBelow;
  }

  /** Whether the held object was lost since `watch`. */
  get lost(): boolean {
    return this.#closer >= emptyReadingsUntilLost;
  }

  /** Begins a motion: an object lost before it is not reported again. */
  watch(): void {
    if (this.lost) this.#above = undefined;
    this.#closer = 0;
  }

  /** Call regularly where the gripper measures its fingers. @returns whether the object has just been lost */
  look(): boolean {
    const opening = this.#above === undefined ? undefined : this.#gripper.opening?.();
    if (opening === undefined || this.lost) return false;
    this.#closer = opening < this.#above! ? this.#closer + 1 : 0;
    return this.lost;
  }

  /** Opens or closes the fingers. @returns why they failed */
  async carryOut(
    { name, width, force }: FingerStage,
    halted: Promise<"halted">,
  ): Promise<HoldProblem | undefined> {
    this.#above = undefined;
    let sent = width;
    let ended = await this.#move(sent, force, halted);
    // The fingers met nothing at the object's seen width: it may be thinner than it looked.
    if (name === "close" && sent > 0 && "width" in ended && !ended.stalled) {
      sent = 0;
      ended = await this.#move(sent, force, halted);
    }
    if ("halted" in ended) return undefined;
    if ("problem" in ended) return { outcome: "gripper", message: ended.problem };
    if (name !== "close" && ended.width < width - 0.005)
      return { outcome: "gripper", message: "the gripper did not open as far as the grasp needs" };
    if (name !== "close") return undefined;
    if (!ended.stalled && ended.width <= this.#emptyBelow)
      return { outcome: "nothing-held", message: "the fingers closed on nothing" };
    // An object keeps the fingers from the requested width; without one they reach it.
    this.#above = Math.min(Math.max(this.#emptyBelow, sent + 0.001), ended.width - 0.0005);
    return undefined;
  }

  async #move(
    width: Metres,
    force: number | undefined,
    halted: Promise<"halted">,
  ): Promise<GripperResult | GripperProblem | { readonly halted: true }> {
    const late = deadline(this.#clock, settleTimeout);
    const ended = await Promise.race([this.#gripper.move(width, force), halted, late.promise]);
    late.cancel();
    if (ended === "halted") {
      void this.#gripper.stop();
      return { halted: true };
    }
    return ended === undefined || ended === "late" ? { problem: "the gripper does not answer" } : ended;
  }
}
