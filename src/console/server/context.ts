import type { FastifyRequest } from "fastify";
import { asCatalogued, describe, GraspGroundingError } from "../../errors/index.js";
import type { ConsoleCore } from "./core.js";
import type { Actor } from "./lease.js";
import type { OriginPolicy } from "./origin.js";
import type { Sessions } from "./sessions.js";

/** What routes need. */
export interface ConsoleContext {
  readonly core: ConsoleCore;
  readonly sessions: Sessions;
  readonly policy: OriginPolicy;
}

/** Who sends a request: by the session of the cookie, or by a token. @throws GraspGroundingError ACCESS_* */
export function actorOf({ sessions }: ConsoleContext, request: FastifyRequest): Actor {
  const bearer = bearerToken(request);
  if (bearer !== undefined) return sessions.bearer(bearer, request.ip);
  const actor = sessions.find(sessionKey(request));
  if (actor === undefined) throw new GraspGroundingError("ACCESS_TOKEN");
  return actor;
}

/**
 * Key of the rate limit: role and address of a signed-in client, else the address alone. Requests of strangers do not
 * use up those of signed-in clients from the same address.
 */
export function countedFor({ sessions }: ConsoleContext, request: FastifyRequest): string {
  const role = sessions.roleOf(sessionKey(request), bearerToken(request));
  return role === undefined ? request.ip : `${role}@${request.ip}`;
}

const bearerToken = (request: FastifyRequest): string | undefined =>
  /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];

/** Code, text and HTTP status of any error: those of the catalogue as they are, the framework's as wrong requests. */
export function errorOf(error: unknown): { code: string; message: string; httpStatus: number } {
  const status = (error as { statusCode?: unknown } | undefined)?.statusCode;
  if (
    !(error instanceof GraspGroundingError) &&
    typeof status === "number" &&
    status >= 400 &&
    status < 500
  ) {
    return { code: "USAGE", message: describe(error), httpStatus: status };
  }
  const { code, message, entry } = asCatalogued(error);
  return { code, message, httpStatus: entry.httpStatus };
}

const cookieName = "grasp_grounding_session";

/** The session key in a request's cookies. */
export const sessionKey = (request: FastifyRequest): string | undefined =>
  request.headers.cookie
    ?.split(";")
    .map((part) => part.trim().split("="))
    .find(([name]) => name === cookieName)?.[1];

/** A cookie only this page's requests carry, and no script can read. */
export const sessionCookie = (key: string, secure: boolean, seconds = 12 * 3600): string =>
  `${cookieName}=${key}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure ? "; Secure" : ""}`;
