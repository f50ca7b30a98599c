import { type Seconds, type Stamp, secondsBetween } from "../../geometry/index.js";

export interface Stamped<T> {
  readonly stamp: Stamp;
  /** When it arrived, in seconds of a steady clock. */
  readonly arrived: Seconds;
  readonly item: T;
}

export interface Pair<C, D> {
  readonly colour: Stamped<C>;
  readonly depth?: Stamped<D>;
  /** Stamp of depth minus stamp of colour. */
  readonly skew?: Seconds;
}

export interface SyncOptions {
  readonly tolerance: Seconds;
  /** How long a colour image waits for its depth. */
  readonly timeout: Seconds;
  /** False hands out a colour image alone once its depth is overdue. */
  readonly requireDepth: boolean;
}

/**
 * Pairs two streams by stamp. A colour image is paired with the nearest depth as soon as no nearer one can come
 * (depth has caught up with its stamp); what finds no partner says why. Holds at most `limit` messages of each.
 */
export class Synchroniser<C, D> {
  #options: SyncOptions;
  #colours: Stamped<C>[] = [];
  #depths: Stamped<D>[] = [];
  #unpaired = 0;
  #problem: string | undefined;
  #lastSkew: Seconds | undefined;
  #newestDepth: Stamped<D> | undefined;
  readonly #limit: number;

  constructor(options: SyncOptions, limit = 8) {
    this.#options = options;
    this.#limit = limit;
  }

  set options(options: SyncOptions) {
    this.#options = options;
  }

  /** Colour images that found no depth. */
  get unpaired(): number {
    return this.#unpaired;
  }

  /** Skew of the last pair. */
  get lastSkew(): Seconds | undefined {
    return this.#lastSkew;
  }

  /** Why the last colour image found no depth, with what to do; undefined once pairs come again. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get waiting(): number {
    return this.#colours.length + this.#depths.length;
  }

  clear(): void {
    this.#colours = [];
    this.#depths = [];
    this.#newestDepth = undefined;
    this.#problem = undefined;
  }

  /** @returns the pairs that became complete, oldest first. */
  offerColour(colour: Stamped<C>): readonly Pair<C, D>[] {
    this.#colours.push(colour);
    const out = this.#take(colour.arrived);
    while (this.#colours.length > this.#limit) this.#cancel(this.#colours.shift()!, out);
    return out;
  }

  /** @returns the pairs that became complete, oldest first. */
  offerDepth(depth: Stamped<D>): readonly Pair<C, D>[] {
    this.#depths.push(depth);
    if (this.#newestDepth === undefined || depth.stamp > this.#newestDepth.stamp) this.#newestDepth = depth;
    if (this.#depths.length > this.#limit) this.#depths.shift();
    return this.#take(depth.arrived);
  }

  /** Gives up on images whose depth is overdue. `now` in seconds of the clock of `arrived`. */
  expire(now: Seconds): readonly Pair<C, D>[] {
    return this.#take(now);
  }

  #take(now: Seconds): Pair<C, D>[] {
    const out: Pair<C, D>[] = [];
    while (this.#colours.length > 0) {
      const colour = this.#colours[0]!;
      const nearest = this.#nearest(colour.stamp);
      const exact = nearest !== undefined && nearest.stamp === colour.stamp;
      const caughtUp = this.#newestDepth !== undefined && this.#newestDepth.stamp >= colour.stamp;
      const overdue = now - colour.arrived > this.#options.timeout;
      if (!exact && !caughtUp && !overdue) break;
      this.#colours.shift();
      const skew = nearest && secondsBetween(nearest.stamp, colour.stamp);
      if (nearest !== undefined && skew !== undefined && Math.abs(skew) <= this.#options.tolerance) {
        this.#lastSkew = skew;
        this.#problem = undefined;
        // Each depth serves one image, because its memory moves on with it; an older one is nearer to no later image.
        this.#depths = this.#depths.filter((each) => each.stamp > nearest.stamp);
        out.push({ colour, depth: nearest, skew });
      } else {
        this.#cancel(colour, out, skew);
      }
    }
    return out;
  }

  #cancel(colour: Stamped<C>, out: Pair<C, D>[], skew?: Seconds): void {
    this.#unpaired++;
    this.#problem =
      this.#newestDepth === undefined
        ? "no depth has arrived; check the depth topic and its publisher"
        : `nearest depth is ${((skew ?? secondsBetween(this.#newestDepth.stamp, colour.stamp)) * 1e3).toFixed(1)} ms from colour and sync_tolerance is ${(this.#options.tolerance * 1e3).toFixed(1)} ms; raise it, or check the clocks of both streams`;
    if (!this.#options.requireDepth) out.push({ colour });
  }

  #nearest(stamp: Stamp): Stamped<D> | undefined {
    let best: Stamped<D> | undefined;
    let bestDistance = 0n;
    for (const depth of this.#depths) {
      const distance = depth.stamp > stamp ? depth.stamp - stamp : stamp - depth.stamp;
      if (best === undefined || distance < bestDistance) {
        best = depth;
        bestDistance = distance;
      }
    }
    return best;
  }
}
