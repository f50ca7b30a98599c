import { GraspGroundingError } from "../../errors/index.js";

const loopbackNames = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** Whether an address to listen on can be reached from this machine alone. */
export const isLoopback = (host: string): boolean => loopbackNames.has(host) || /^127\./.test(host);

export interface OriginPolicy {
  /** Names the console may be called by, in addition to the loopback ones: against DNS rebinding. Empty: any name. */
  readonly hosts: ReadonlySet<string>;
  /** Other pages that may use it, e.g. `https://panel.example`. */
  readonly origins: ReadonlySet<string>;
}

/**
 * A request must come from the console's own page (or from a program, which sends no origin), and must call the
 * console by
 * a name it has. @throws GraspGroundingError ACCESS_ORIGIN
 */
export function checkOrigin(
  policy: OriginPolicy,
  request: { readonly host: string | undefined; readonly origin: string | undefined },
): void {
  const host = request.host ?? "";
  const name = host.replace(/:\d+$/, "");
  if (policy.hosts.size > 0 && !policy.hosts.has(name) && !loopbackNames.has(name))
    throw new GraspGroundingError("ACCESS_ORIGIN", { origin: `host ${host || "unnamed"}` });
  const { origin } = request;
  if (origin === undefined || policy.origins.has(origin)) return;
  let from: string | undefined;
  try {
    from = new URL(origin).host;
  } catch {
    from = undefined;
  }
  if (from === undefined || from !== host) throw new GraspGroundingError("ACCESS_ORIGIN", { origin });
}
