import { GraspGroundingError } from "../../../errors/index.js";

/** Questions that may wait for the model; further ones are refused. */
const maxWaiting = 4;

/** Runs work for the model one after the other, and refuses more than may wait. */
export class WorkQueue {
  readonly #changed: () => void;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();

  /** @param changed told when `waiting` changes */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Work accepted and not done yet, the running one included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** @throws GraspGroundingError CONSOLE_BUSY, and what the work throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= maxWaiting)
      throw new GraspGroundingError("CONSOLE_BUSY", { waiting: this.#waiting });
    this.#waiting++;
    this.#changed();
    const turn = this.#tail.then(work);
    this.#tail = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
      this.#changed();
    }
  }

  /** Resolves when no work is left. */
  idle(): Promise<unknown> {
    return this.#tail;
  }
}
