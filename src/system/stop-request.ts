import { onParentEnd } from "./parent.js";

/** An insisting second signal ends the process at once; the copies of one signal come closer together than this. */
const insistsAfterMs = 1_000;

export interface StopRequest {
  /** Resolves when the program is to end. */
  readonly requested: Promise<void>;
  readonly asked: boolean;
}

/**
 * The first SIGINT, SIGTERM or SIGHUP, an abort, or the end of the program that started this one. Terminals and launch
 * systems send one stop several times; a signal a second later ends the process with 130. The handlers stay for the
 * rest of the process: a second signal must not kill it while it tidies up.
 */
export function stopRequest(signal?: AbortSignal): StopRequest {
  let asked: number | undefined;
  let resolve = (): void => {};
  const requested = new Promise<void>((done) => {
    resolve = done;
  });
  const stop = (): void => {
    asked ??= performance.now();
    resolve();
  };
  const onSignal = (): void => {
    if (asked !== undefined && performance.now() - asked > insistsAfterMs) process.exit(130);
    stop();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, onSignal);
  // An end by itself first takes the handlers away, then the addons down: a tenth of a second in which a signal kills.
  process.once("beforeExit", () => {
    if (asked !== undefined) process.exit();
  });
  onParentEnd(stop);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop, { once: true });
  return {
    requested,
    get asked() {
      return asked !== undefined;
    },
  };
}
