import type { ConsoleState } from "../protocol.js";

/** The state all clients see. Listeners get only the parts that changed, gathered for some milliseconds. */
export class StateStore {
  #state: ConsoleState;
  readonly #listeners = new Set<(delta: Partial<ConsoleState>) => void>();
  readonly #changed = new Set<keyof ConsoleState>();
  #timer: NodeJS.Timeout | undefined;
  readonly #gather: number;

  /** @param gather milliseconds changes are gathered for before they are told */
  constructor(initial: ConsoleState, gather = 50) {
    this.#state = initial;
    this.#gather = gather;
  }

  get value(): ConsoleState {
    return this.#state;
  }

  /** Sets parts; those that are equal to what they were are not told. `now` tells at once (stops must not wait). */
  set(dependencies: { readonly [K in keyof ConsoleState]?: ConsoleState[K] | undefined }, now = false): void {
    for (const key of Object.keys(dependencies) as (keyof ConsoleState)[]) {
      if (JSON.stringify(dependencies[key]) === JSON.stringify(this.#state[key])) continue;
      this.#state = { ...this.#state, [key]: dependencies[key] };
      this.#changed.add(key);
    }
    if (this.#changed.size === 0) return;
    if (now) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#gather);
  }

  subscribe(listener: (delta: Partial<ConsoleState>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // JSON has no undefined: a part that is gone is told as null.
    const delta = Object.fromEntries([...this.#changed].map((key) => [key, this.#state[key] ?? null]));
    this.#changed.clear();
    for (const listener of this.#listeners) listener(delta as Partial<ConsoleState>);
  }
}
