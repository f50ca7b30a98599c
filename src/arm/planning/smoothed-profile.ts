import type { Seconds } from "../../geometry/index.js";
import type { RateProfile } from "./topp.js";

/** How much of its limits a timed path uses. */
export interface Usage {
  /** The factor by which the time must be stretched so that all limits hold at the samples. */
  readonly worst: number;
  /** The same, sample by sample. */
  readonly shares: Float64Array;
  readonly times: Float64Array;
}

/** s(t) of a profile, averaged over a window of time that ends at t. */
export class SmoothedProfile {
  readonly window: Seconds;
  readonly #unsmoothed: Seconds;
  readonly #p: RateProfile;
  /** Integral of s up to each grid point. */
  readonly #integral: Float64Array;
  readonly #a = new Float64Array(4);
  readonly #b = new Float64Array(4);

  constructor(profile: RateProfile, window: Seconds) {
    this.#p = profile;
    this.window = window;
    const { s, rate, t } = profile;
    this.#unsmoothed = t.at(-1)!;
    this.#integral = new Float64Array(s.length);
    for (let k = 0; k + 1 < s.length; k++) {
      const h = t[k + 1]! - t[k]!;
      const a = (rate[k + 1]! - rate[k]!) / h;
      this.#integral[k + 1] = this.#integral[k]! + s[k]! * h + (rate[k]! * h * h) / 2 + (a * h ** 3) / 6;
    }
  }

  get duration(): Seconds {
    return this.#unsmoothed + this.window;
  }

  /** Times to check at: just before and after each change of the acceleration or jerk, and evenly spaced ones. */
  times(samples: number): Float64Array {
    const { t } = this.#p;
    const { duration, window } = this;
    const edge = duration * 1e-9;
    const all = new Float64Array(t.length * 4 + samples + 1);
    let i = 0;
    for (const change of t) {
      for (const time of [change, change + window]) {
        all[i++] = Math.max(0, time - edge);
        all[i++] = Math.min(duration, time + edge);
      }
    }
    for (let k = 0; k <= samples; k++) all[i++] = (duration * k) / samples;
    return all.sort();
  }

  /** Lowers the caps (on the grid of s) wherever the averaging window includes a sample that exceeded a limit. */
  cap({ shares, times }: Usage, caps: Float64Array): void {
    const { rate, t } = this.#p;
    let first = 0;
    for (let k = 0; k < t.length; k++) {
      const from = k > 0 ? t[k - 1]! : 0;
      while (first < times.length && times[first]! < from) first++;
      let share = 0;
      for (let i = first; i < times.length && times[i]! <= t[k]! + this.window; i++) {
        share = Math.max(share, shares[i]!);
      }
      if (share > 1.005) caps[k] = Math.min(caps[k]!, Math.max(rate[k]! / share, 1e-3));
    }
  }

  /** Writes s and its first three derivatives. */
  at(t: Seconds, out: Float64Array): void {
    const w = this.window;
    if (w === 0) {
      this.#raw(t, this.#a);
      out[0] = this.#a[1]!;
      out[1] = this.#a[2]!;
      out[2] = this.#a[3]!;
      out[3] = 0;
      return;
    }
    this.#raw(t, this.#a);
    this.#raw(t - w, this.#b);
    for (let k = 0; k < 4; k++) out[k] = (this.#a[k]! - this.#b[k]!) / w;
    // Differences of integrals lose digits for narrow windows; the ends must be exact.
    if (t <= 0) out[0] = 0;
    if (t >= this.duration) out[0] = this.#p.s.at(-1)!;
  }

  /** Integral of s, s, ds/dt and d²s/dt² of the profile itself, at rest outside its time. */
  #raw(t: Seconds, out: Float64Array): void {
    const { s, rate, t: times } = this.#p;
    const last = times.length - 1;
    if (t <= 0) {
      out.fill(0);
      return;
    }
    if (t >= times[last]!) {
      out[0] = this.#integral[last]! + s[last]! * (t - times[last]!);
      out[1] = s[last]!;
      out[2] = 0;
      out[3] = 0;
      return;
    }
    let low = 0;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle]! <= t) low = middle;
      else high = middle;
    }
    const h = t - times[low]!;
    const a = (rate[low + 1]! - rate[low]!) / (times[low + 1]! - times[low]!);
    out[0] = this.#integral[low]! + h * (s[low]! + h * (rate[low]! / 2 + (h * a) / 6));
    out[1] = s[low]! + h * (rate[low]! + (h * a) / 2);
    out[2] = rate[low]! + h * a;
    out[3] = a;
  }
}
