import { randomBytes } from "node:crypto";
import { GraspGroundingError } from "../../errors/index.js";
import type { Role } from "../protocol.js";
import type { Actor } from "./lease.js";
import type { Tokens } from "./tokens.js";

/** More sessions than this and the oldest end: memory stays bounded. */
const maxSessions = 200;
const lifetime = 12 * 3600 * 1000;
/** Wrong tokens from one address before it has to wait, and for how long, in milliseconds. */
const tries = 10;
const pause = 60_000;

interface Session {
  readonly actor: Actor;
  readonly expires: number;
}

/** Who has signed in. A session's key is a secret of the browser's cookie; its actor's id is public. */
export class Sessions {
  readonly #tokens: Tokens;
  readonly #open: boolean;
  readonly #onGuessing: (address: string) => void;
  readonly #sessions = new Map<string, Session>();
  readonly #wrong = new Map<string, { count: number; until: number }>();
  #count = 0;

  /**
   * @param open whether a client without a token is an operator: on loopback, when no token is set
   * @param onGuessing called when an address has used up its wrong tokens
   */
  constructor(tokens: Tokens, open: boolean, onGuessing: (address: string) => void = () => undefined) {
    this.#tokens = tokens;
    this.#open = open;
    this.#onGuessing = onGuessing;
  }

  /** Whether signing in needs a token. */
  get needsToken(): boolean {
    return !this.#open;
  }

  /** @returns the secret for the cookie, and who it is. @throws GraspGroundingError ACCESS_TOKEN, ACCESS_TOO_MANY */
  signIn(
    token: string | undefined,
    name: string | undefined,
    address: string,
  ): { key: string; actor: Actor } {
    const role = this.#role(token, address);
    const id = randomBytes(6).toString("base64url");
    const label = name?.trim() || `${role} ${++this.#count}`;
    const actor = { id, name: label, role, address };
    const key = randomBytes(32).toString("base64url");
    const oldest = this.#sessions.keys().next().value;
    if (this.#sessions.size >= maxSessions && oldest !== undefined) this.#sessions.delete(oldest);
    this.#sessions.set(key, { actor, expires: Date.now() + lifetime });
    return { key, actor };
  }

  /** Who a cookie belongs to. */
  find(key: string | undefined): Actor | undefined {
    const session = key === undefined ? undefined : this.#sessions.get(key);
    if (session !== undefined && session.expires < Date.now()) {
      this.#sessions.delete(key as string);
      return undefined;
    }
    return session?.actor;
  }

  /** A program's request with its token in the header, without a session. @throws as `signIn` */
  bearer(token: string, address: string): Actor {
    const role = this.#role(token, address);
    return { id: `token-${role}`, name: `${role}'s program`, role, address };
  }

  /** The role of a request's cookie or token, or undefined; counts nothing. */
  roleOf(key: string | undefined, token: string | undefined): Role | undefined {
    return token === undefined ? this.find(key)?.role : this.#tokens.roleOf(token);
  }

  signOut(key: string | undefined): void {
    if (key !== undefined) this.#sessions.delete(key);
  }

  /** A right token is accepted whatever else came from its address: guesses from there must not block a stop. */
  #role(token: string | undefined, address: string): Role {
    if (token === undefined && this.#open) return "operator";
    const role = token === undefined ? undefined : this.#tokens.roleOf(token);
    if (role !== undefined) return role;
    if (token !== undefined) this.#countWrong(address);
    throw new GraspGroundingError("ACCESS_TOKEN");
  }

  /** @throws GraspGroundingError ACCESS_TOO_MANY when the address has no wrong tokens left */
  #countWrong(address: string): void {
    const now = Date.now();
    const known = this.#wrong.get(address);
    const count = known !== undefined && known.until >= now ? known.count : 0;
    if (known !== undefined && count >= tries)
      throw new GraspGroundingError("ACCESS_TOO_MANY", { seconds: Math.ceil((known.until - now) / 1000) });
    if (this.#wrong.size > 10_000) this.#wrong.clear();
    this.#wrong.set(address, { count: count + 1, until: now + pause });
    if (count + 1 === tries) this.#onGuessing(address);
  }
}
