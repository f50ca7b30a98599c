import { Readable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { follow, Refused } from "../../net/index.js";

export interface HubAccess {
  /** Address of the hub or of a mirror, without a slash at its end. */
  readonly endpoint: string;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds of silence after which a connection is closed. Default 30,000. */
  readonly idleMs?: number | undefined;
  /** First pause between attempts in milliseconds, doubled each time. Default 1,000. */
  readonly pauseMs?: number | undefined;
}

export interface HubFile {
  readonly bytes: number;
  /** Where the hub stores the file by its SHA-256. */
  readonly sha256?: string;
  /** Object name in git of any other file. */
  readonly gitBlob?: string;
}

export interface Repository {
  readonly id: string;
  /** Commit. */
  readonly revision: string;
  /** Licence on the repository's card. */
  readonly licence?: string;
  readonly files: ReadonlyMap<string, HubFile>;
}

const commit = z.string().regex(/^[0-9a-f]{40}$/);
const cardLicence = z.union([z.string(), z.array(z.string())]).optional();

/** The token goes to the hub alone, never to the store it redirects to. */
export const authorisation = (access: HubAccess) => (url: URL) =>
  access.token !== undefined && url.origin === new URL(access.endpoint).origin
    ? { authorization: `Bearer ${access.token}` }
    : ({} as Record<string, string>);

/**
 * A repository's commit, licence and files, from the hub's interface.
 * @throws GraspGroundingError HUB_REFUSED, HUB_MISSING, HUB_UNFIT, DOWNLOAD_FAILED
 */
export async function readRepository(id: string, revision: string, access: HubAccess): Promise<Repository> {
  const { listFiles, modelInfo } = await import("@huggingface/hub");
  const common = { hubUrl: access.endpoint, fetch: hubFetch(id, access) };
  try {
    const info = await modelInfo({ name: id, revision, additionalFields: ["sha", "cardData"], ...common });
    const sha = commit.safeParse(info.sha);
    if (!sha.success)
      throw new GraspGroundingError("HUB_UNFIT", { repository: id, detail: "the hub states no commit" });
    const files = new Map<string, HubFile>();
    const repo = { type: "model", name: id } as const;
    for await (const entry of listFiles({ repo, revision: sha.data, recursive: true, ...common })) {
      if (entry.type !== "file") continue;
      const { lfs, oid } = entry;
      files.set(entry.path, {
        bytes: lfs?.size ?? entry.size,
        ...(lfs !== undefined ? { sha256: lfs.oid } : oid !== undefined && { gitBlob: oid }),
      });
    }
    const named = cardLicence.safeParse((info.cardData as { license?: unknown } | undefined)?.license).data;
    const licence = Array.isArray(named) ? named.join(", ") : named;
    return { id, revision: sha.data, files, ...(licence && { licence }) };
  } catch (cause) {
    if (cause instanceof GraspGroundingError) throw cause;
    const detail = describe(cause);
    throw new GraspGroundingError(
      "DOWNLOAD_FAILED",
      { url: `${access.endpoint}/${id}`, name: id, detail },
      { cause },
    );
  }
}

/** The error of an answer that refuses a repository or file; undefined for other answers. */
export function hubError(
  status: number,
  repository: string,
  endpoint: string,
): GraspGroundingError | undefined {
  if (status === 401 || status === 403)
    return new GraspGroundingError("HUB_REFUSED", { repository, endpoint, status });
  return status === 404 || status === 410
    ? new GraspGroundingError("HUB_MISSING", { repository, endpoint })
    : undefined;
}

/** `fetch` for the hub's library by this program's own access to the network: proxy, redirects, limit on silence. */
function hubFetch(id: string, access: HubAccess): typeof fetch {
  return async (input) => {
    const url = new URL(String(input));
    for (let attempt = 0; ; attempt++) {
      try {
        const response = await follow(url, {
          headers: (next) => ({
            ...authorisation(access)(next),
            accept: "application/json",
            "user-agent": "grasp-grounding",
          }),
          idleMs: access.idleMs ?? 30_000,
          ...(access.signal && { signal: access.signal }),
        });
        const status = response.statusCode ?? 0;
        const refused = hubError(status, id, access.endpoint);
        if (refused !== undefined || status >= 500 || status === 429) {
          response.resume();
          throw refused ?? new Error(`the server answers ${status}`);
        }
        const headers = new Headers();
        for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value));
        return new Response(Readable.toWeb(response) as ReadableStream, { status, headers });
      } catch (cause) {
        const final = cause instanceof GraspGroundingError || cause instanceof Refused;
        if (final || access.signal?.aborted === true || attempt >= 3) throw cause;
        await wait((access.pauseMs ?? 1000) * 2 ** attempt);
      }
    }
  };
}
