import type { Stamp } from "../../geometry/index.js";

export interface Stamped {
  readonly stamp: Stamp;
}

export interface Pair<C, D> {
  readonly colour: C;
  readonly depth: D | undefined;
}

/** A stream that stops (an unplugged sensor) must not hold back the other. */
const maxWaiting = 30;

/**
 * Pairs two streams by stamp, approximately: every colour image comes out once, in order, with the depth nearest to
 * it within the tolerance, and every depth image is used at most once, by the colour image nearest to it. A
 * colour image waits until no better depth can come, but for no more than thirty images of either stream.
 *
 * The node's Synchroniser (ros/camera/sync) searches for itself on purpose: it decides without later images, its depth
 * arrives in any order, and it reports the distance of the nearest depth beyond the tolerance too.
 */
export class Pairing<C extends Stamped, D extends Stamped> {
  readonly #tolerance: bigint;
  readonly #colours: C[] = [];
  readonly #depths: D[] = [];
  #unusedDepths = 0;

  /** @param tolerance seconds. */
  constructor(tolerance: number) {
    this.#tolerance = BigInt(Math.round(tolerance * 1e9));
  }

  /** Depth images dropped without a partner. */
  get unusedDepths(): number {
    return this.#unusedDepths;
  }

  addColour(colour: C): Pair<C, D>[] {
    this.#colours.push(colour);
    return this.#settle(false);
  }

  addDepth(depth: D): Pair<C, D>[] {
    this.#depths.push(depth);
    const pairs = this.#settle(false);
    if (this.#colours.length === 0) {
      while (this.#depths.length > maxWaiting) this.#dropDepth();
    }
    return pairs;
  }

  /** The rest, when both streams have ended. */
  finish(): Pair<C, D>[] {
    const pairs = this.#settle(true);
    this.#unusedDepths += this.#depths.length;
    this.#depths.length = 0;
    return pairs;
  }

  #settle(ended: boolean): Pair<C, D>[] {
    const pairs: Pair<C, D>[] = [];
    for (let colour = this.#colours[0]; colour !== undefined; colour = this.#colours[0]) {
      const full = this.#colours.length > maxWaiting || this.#depths.length > maxWaiting;
      if (!ended && !full && !this.#decided(colour)) break;
      const index = this.#nearest(colour);
      const taken = index !== undefined && this.#isMutual(colour, this.#depths[index]!);
      const depth = taken ? this.#depths[index] : undefined;
      // Older depth images are further from every later colour image than this one was.
      for (let i = 0; taken && i < index; i++) this.#dropDepth();
      if (taken) this.#depths.shift();
      else while (this.#isTooOld(colour)) this.#dropDepth();
      this.#colours.shift();
      pairs.push({ colour, depth });
    }
    return pairs;
  }

  /** Whether depth images still to come cannot change what this colour image gets. */
  #decided(colour: C): boolean {
    const newest = this.#depths.at(-1);
    if (newest === undefined || newest.stamp < colour.stamp) return false;
    const index = this.#nearest(colour);
    if (index === undefined || this.#depths[index]!.stamp <= colour.stamp) return true;
    // A depth image later than this colour image may belong to the next one.
    return this.#colours.length > 1 || newest.stamp > colour.stamp + 2n * this.#tolerance;
  }

  #nearest(colour: C): number | undefined {
    let best: number | undefined;
    let distance = this.#tolerance;
    for (const [i, depth] of this.#depths.entries()) {
      const gap = abs(depth.stamp - colour.stamp);
      if (gap < distance || (gap === distance && best === undefined)) {
        best = i;
        distance = gap;
      }
    }
    return best;
  }

  #isMutual(colour: C, depth: D): boolean {
    const next = this.#colours[1];
    return next === undefined || abs(next.stamp - depth.stamp) >= abs(colour.stamp - depth.stamp);
  }

  #isTooOld(colour: C): boolean {
    const oldest = this.#depths[0];
    return oldest !== undefined && oldest.stamp < colour.stamp - this.#tolerance;
  }

  #dropDepth(): void {
    this.#depths.shift();
    this.#unusedDepths++;
  }
}

const abs = (value: bigint): bigint => (value < 0n ? -value : value);
