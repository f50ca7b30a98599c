import type { Pose } from "../../geometry/index.js";

/** Seconds over which a step is slowed down to its end. */
const braking = 0.15;
/** The share of a step that may be left at its end. */
const tolerance = 0.01;

/** One step of a jog: how much of the speed may still be driven until the tool or a joint has moved by `limit`. */
export class JogStep {
  readonly #limit: number;
  #start: Pose | undefined;
  #startJoint: number | undefined;
  #done = false;

  /** @param limit metres of a straight step, radians of a turn */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get done(): boolean {
    return this.#done;
  }

  /** Share 0..1 of the speed for the tool. @param linear m/s @param angular rad/s, as asked for */
  share(tool: Pose | undefined, linear: number, angular: number): number {
    if (tool === undefined) return 0;
    this.#start ??= tool;
    const { position, orientation } = this.#start;
    const moved =
      linear > 0
        ? Math.hypot(...position.map((v, i) => tool.position[i]! - v))
        : 2 *
          Math.acos(
            Math.min(1, Math.abs(orientation.reduce((sum, v, i) => sum + v * tool.orientation[i]!, 0))),
          );
    return this.#slowed(moved, linear > 0 ? linear : angular);
  }

  /** The same for one joint. @param at its present position @param speed rad/s */
  jointShare(at: number | undefined, speed: number): number {
    if (at === undefined) return 0;
    this.#startJoint ??= at;
    return this.#slowed(Math.abs(at - this.#startJoint), speed);
  }

  #slowed(moved: number, speed: number): number {
    const left = this.#limit - moved;
    if (left <= this.#limit * tolerance) {
      this.#done = true;
      return 0;
    }
    return speed > 0 ? Math.min(1, Math.max(0.02, left / (speed * braking))) : 0;
  }
}
