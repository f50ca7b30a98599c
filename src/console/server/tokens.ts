import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Role } from "../protocol.js";

const shortest = 16;
const variables = {
  operator: "GRASP_GROUNDING_OPERATOR_TOKEN",
  viewer: "GRASP_GROUNDING_VIEWER_TOKEN",
} as const;

/** The tokens that clients sign in with, stored as digests only. */
export class Tokens {
  readonly #digests: readonly { readonly role: Role; readonly digest: Buffer }[];

  constructor(tokens: readonly { readonly role: Role; readonly token: string }[]) {
    this.#digests = tokens.map(({ role, token }) => ({ role, digest: sha256(token) }));
  }

  /**
   * From the environment and, when given, from a file of lines `operator TOKEN` and `viewer TOKEN` (# begins a
   * comment).
   * @throws GraspGroundingError CONSOLE_TOKENS
   */
  static async load(environment: NodeJS.ProcessEnv, file?: string): Promise<Tokens> {
    const tokens: { role: Role; token: string }[] = [];
    for (const role of ["operator", "viewer"] as const) {
      const token = environment[variables[role]];
      if (token) tokens.push({ role, token: checked(token, variables[role]) });
    }
    if (file !== undefined) {
      const text = await readFile(file, "utf8").catch((cause) => {
        throw new GraspGroundingError("CONSOLE_TOKENS", { source: file, detail: describe(cause) }, { cause });
      });
      text.split(/\r?\n/).forEach((line, index) => {
        if (/^\s*(#|$)/.test(line)) return;
        const source = `${file} line ${index + 1}`;
        const [role, token, ...rest] = line.trim().split(/\s+/);
        if ((role !== "operator" && role !== "viewer") || token === undefined || rest.length > 0)
          throw new GraspGroundingError("CONSOLE_TOKENS", { source, detail: "not a role and a token" });
        tokens.push({ role, token: checked(token, source) });
      });
    }
    return new Tokens(tokens);
  }

  get size(): number {
    return this.#digests.length;
  }

  /** The role a token gives, or undefined. Takes the same time for every wrong token. */
  roleOf(token: string): Role | undefined {
    const digest = sha256(token);
    let role: Role | undefined;
    for (const known of this.#digests) if (timingSafeEqual(known.digest, digest)) role ??= known.role;
    return role;
  }
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

function checked(token: string, source: string): string {
  if (token.length >= shortest) return token;
  throw new GraspGroundingError("CONSOLE_TOKENS", {
    source,
    detail: `a token of ${token.length} characters is too short`,
  });
}
