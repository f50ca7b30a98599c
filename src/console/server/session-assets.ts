import type { SessionAsset } from "../session-file.js";

/** A query that is followed is answered many times a second: its assets are recorded so often, in milliseconds. */
const sameQueryMs = 2000;

/** Assets by what they belong to: an answer, or an object in the gripper. */
export class SessionAssets {
  readonly #groups = new Map<string, readonly SessionAsset[]>();
  readonly #pending = new Set<Promise<void>>();
  readonly #lastOf = new Map<string, number>();
  #bytes = 0;

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when everything that was added is there. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /**
   * Adds a group once, if it is not one of a series whose last came a moment ago.
   * @param series e.g. a query
   */
  add(key: string, series: string, load: () => Promise<readonly SessionAsset[]>): void {
    const now = performance.now();
    if (this.#groups.has(key) || now - (this.#lastOf.get(series) ?? Number.NEGATIVE_INFINITY) < sameQueryMs)
      return;
    this.#lastOf.delete(series);
    this.#lastOf.set(series, now);
    if (this.#lastOf.size > 100) this.#lastOf.delete(this.#lastOf.keys().next().value ?? "");
    this.#groups.set(key, []);
    const pending = load()
      .then(
        (assets) => {
          if (!this.#groups.has(key)) return;
          this.#groups.set(key, assets);
          this.#bytes += sizeOf(assets);
        },
        // What is gone before it was loaded is shown by nobody any more.
        () => undefined,
      )
      .finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
  }

  /** Drops all but these groups. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#groups.keys()) if (!keys.has(key)) this.#drop(key);
  }

  /** Drops the oldest groups until at most so many bytes are held. */
  shrink(bytes: number): void {
    for (const key of this.#groups.keys()) {
      if (this.#bytes <= bytes) break;
      this.#drop(key);
    }
  }

  all(): readonly SessionAsset[] {
    return [...this.#groups.values()].flat();
  }

  #drop(key: string): void {
    this.#bytes -= sizeOf(this.#groups.get(key) ?? []);
    this.#groups.delete(key);
  }
}

const sizeOf = (assets: readonly SessionAsset[]): number =>
  assets.reduce((sum, { path, data }) => sum + path.length + data.byteLength, 0);
