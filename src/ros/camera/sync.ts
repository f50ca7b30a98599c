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
 * (depth has caught up with its stamp); what finds no partner says why. Holds at most `limit` depth images and
 * four times as many colour images.
 */
export class Synchroniser<C, D> {
  #options: SyncOptions;
  #colours: Stamped<C>[] = [];
  #depths: Stamped<D>[] = [];
  #unpaired = 0;
  #problem: string | undefined;
  #lastSkew: Seconds | undefined;
  /** Seconds by which depth of an equal stamp last arrived after colour, when that was too late. */
  #lateBy: Seconds | undefined;
  #newestDepth: Stamped<D> | undefined;
  /** Stamps and arrivals of colour images whose depth was overdue: depth of that stamp may still come, too late. */
  #overdue: Pick<Stamped<C>, "stamp" | "arrived">[] = [];
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
    this.#overdue = [];
    this.#problem = undefined;
  }

  /** @returns the pairs that became complete, oldest first. */
  offerColour(colour: Stamped<C>): readonly Pair<C, D>[] {
    this.#colours.push(colour);
    const out = this.#take(colour.arrived);
    // Depth may be a second late; colour waits for it, and depth for nothing.
    while (this.#colours.length > this.#limit * 4) this.#cancel(this.#colours.shift()!, out);
    return out;
  }

  /** @returns the pairs that became complete, oldest first. */
  offerDepth(depth: Stamped<D>): readonly Pair<C, D>[] {
    this.#depths.push(depth);
    if (this.#newestDepth === undefined || depth.stamp > this.#newestDepth.stamp) this.#newestDepth = depth;
    if (this.#depths.length > this.#limit) this.#depths.shift();
    this.#noteLate(depth);
    return this.#take(depth.arrived);
  }

  /** Releases images whose depth is overdue. `now` in seconds of the clock of `arrived`. */
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
        this.#lateBy = undefined;
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
    const newest = this.#newestDepth;
    if (newest === undefined) {
      this.#problem = "no depth has arrived; check the depth topic and its publisher";
    } else if (newest.stamp >= colour.stamp) {
      const off = skew ?? secondsBetween(newest.stamp, colour.stamp);
      this.#problem = `nearest depth is ${milliseconds(off)} from colour and sync_tolerance is ${milliseconds(this.#options.tolerance)}; raise it, or check the clocks of both streams`;
    } else if (this.#lateBy === undefined) {
      const behind = secondsBetween(colour.stamp, newest.stamp);
      // Neither an equal stamp nor a later one has come: depth is late, or of another clock.
      this.#problem = `the newest depth is stamped ${milliseconds(behind)} before colour after sync_timeout (${milliseconds(this.#options.timeout)}); raise sync_timeout if depth arrives late, or check the clocks of both streams`;
    } else {
      this.#problem = lateDepth(this.#lateBy, this.#options.timeout);
    }
    this.#overdue.push(colour);
    if (this.#overdue.length > this.#limit * 8) this.#overdue.shift();
    if (!this.#options.requireDepth) out.push({ colour });
  }

  /** Depth that fits an image whose turn is over says that the wait was too short, not that the stamps differ. */
  #noteLate(depth: Stamped<D>): void {
    const { tolerance, timeout } = this.#options;
    const missed = this.#overdue.find(
      ({ stamp, arrived }) =>
        Math.abs(secondsBetween(depth.stamp, stamp)) <= tolerance && depth.arrived - arrived > timeout,
    );
    if (missed === undefined) return;
    this.#lateBy = depth.arrived - missed.arrived;
    this.#problem = lateDepth(this.#lateBy, timeout);
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

const milliseconds = (seconds: Seconds): string => `${(seconds * 1e3).toFixed(1)} ms`;

const lateDepth = (late: Seconds, timeout: Seconds): string =>
  `depth with colour's stamp arrives ${milliseconds(late)} after colour and sync_timeout is ${milliseconds(timeout)}; raise sync_timeout`;
