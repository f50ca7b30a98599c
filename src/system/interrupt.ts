import { onParentEnd } from "./parent.js";

/**
 * Ctrl-C, SIGTERM or the end of the program that started this one ends the work after the frame at hand, with valid
 * output; a second signal ends it at once.
 */
export class Interrupt {
  readonly #controller = new AbortController();
  #signal: NodeJS.Signals | undefined;

  constructor() {
    process.on("SIGINT", this.#stop);
    process.on("SIGTERM", this.#stop);
    onParentEnd(() => this.#stop("SIGTERM"));
  }

  get aborted(): boolean {
    return this.#controller.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 plus the signal's number, as shells count; undefined without an interruption. */
  get exitCode(): number | undefined {
    return this.#signal === undefined ? undefined : this.#signal === "SIGINT" ? 130 : 143;
  }

  release(): void {
    process.off("SIGINT", this.#stop);
    process.off("SIGTERM", this.#stop);
  }

  readonly #stop = (signal: NodeJS.Signals): void => {
    if (this.#controller.signal.aborted) process.exit(130);
    this.#signal = signal;
    this.#controller.abort();
  };
}

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
export const interrupted = (): Promise<void> => {
  const { signal } = new Interrupt();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
};
