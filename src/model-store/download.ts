import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { copyFile, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as wait } from "node:timers/promises";
import { describe, GraspGroundingError } from "../errors/index.js";
import { hashFile } from "../grounding/index.js";
import { follow, Refused } from "../net/index.js";

export interface DownloadOptions {
  readonly url: string;
  /** Expected SHA-256 of the content. One of the two hashes must be given. */
  readonly sha256?: string;
  /** Expected object name in git, for small files whose repository states no SHA-256. */
  readonly gitBlob?: string;
  /** Headers of the request to an address, such as credentials. */
  readonly headers?: (url: URL) => Readonly<Record<string, string>>;
  /** Path of the file. Until its hash matches it is `PATH.part`, which a later call resumes. */
  readonly path: string;
  /** Name of the weights in messages. */
  readonly name: string;
  /** Bytes so far, and the total where known. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
  /** Milliseconds of silence after which a connection is closed. Default 30,000. */
  readonly idleMs?: number;
  /** Limit of successive attempts without new bytes. Default 4. */
  readonly tries?: number;
  /** First pause between attempts in milliseconds, doubled each time. Default 1,000. */
  readonly pauseMs?: number;
}

/**
 * Downloads a file of known hash. A broken connection is resumed; an incomplete or different file never gets the final
 * name. A hash that the server states in its LFS header must be the expected one, before anything is fetched.
 * @throws GraspGroundingError DOWNLOAD_FAILED, DOWNLOAD_CORRUPT, OUTPUT_UNWRITABLE
 */
export async function download(options: DownloadOptions): Promise<void> {
  const { path, name, url } = options;
  const part = `${path}.part`;
  await makeFolder(dirname(path));
  let idle = 0;
  for (;;) {
    const before = await sizeOf(part);
    try {
      await fetchRest(options, part);
      break;
    } catch (cause) {
      if (cause instanceof GraspGroundingError) throw cause;
      const gained = (await sizeOf(part)) > before;
      idle = gained ? 0 : idle + 1;
      const final = cause instanceof Refused || options.signal?.aborted === true;
      if (final || idle >= (options.tries ?? 4)) {
        throw new GraspGroundingError("DOWNLOAD_FAILED", { url, name, detail: describe(cause) }, { cause });
      }
      await wait((options.pauseMs ?? 1000) * 2 ** idle);
    }
  }
  await accept(part, options, url);
}

/**
 * Takes the file from a folder or a path instead of a server, with the same check.
 * @throws GraspGroundingError FILE_MISSING, DOWNLOAD_CORRUPT, OUTPUT_UNWRITABLE
 */
export async function copyChecked(source: string, options: DownloadOptions): Promise<void> {
  const part = `${options.path}.part`;
  const found = await hashFile(source);
  if (found !== options.sha256) {
    const wanted = options.sha256 ?? "a stated hash";
    throw new GraspGroundingError("DOWNLOAD_CORRUPT", { url: source, found, wanted });
  }
  await makeFolder(dirname(options.path));
  try {
    await copyFile(source, part);
  } catch (cause) {
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: part, detail: describe(cause) }, { cause });
  }
  await accept(part, options, source);
}

async function fetchRest(options: DownloadOptions, part: string): Promise<void> {
  const have = await sizeOf(part);
  const response = await follow(new URL(options.url), {
    headers: (url) => ({
      ...options.headers?.(url),
      "user-agent": "grasp-grounding",
      "accept-encoding": "identity",
      ...(have > 0 && { range: `bytes=${have}-` }),
    }),
    idleMs: options.idleMs ?? 30_000,
    onHead: ({ headers }) => compareStated(headers["x-linked-etag"], options),
    ...(options.signal && { signal: options.signal }),
  });
  const status = response.statusCode ?? 0;
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers["content-range"] ?? "");
  const resumed = status === 206 && range?.[1] === String(have);
  if (status === 416) {
    // Nothing is left to fetch, or the part is longer than the file: the hash decides.
    response.resume();
    return;
  }
  if (status !== 200 && !resumed) {
    response.resume();
    const message = `the server answers ${status}`;
    throw status === 408 || status === 429 || status >= 500
      ? new Error(message)
      : new Refused(message, status);
  }
  const start = resumed ? have : 0;
  const length = Number(response.headers["content-length"]);
  const total = Number.isFinite(length) ? start + length : undefined;
  let done = start;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      done += chunk.length;
      options.onProgress?.(done, total);
      next(undefined, chunk);
    },
  });
  const file = createWriteStream(part, { flags: resumed ? "a" : "w" });
  response.setTimeout(options.idleMs ?? 30_000, () => response.destroy(new Error("the connection stalled")));
  const closed = once(file, "close");
  // The next attempt measures the part, so all writes must be complete by then.
  try {
    await pipeline(response, counter, file).finally(() => closed);
  } catch (cause) {
    // The network's errors destroy the file too; its own ones name a call of the file system.
    if (/^(open|write|close)$/.test((cause as NodeJS.ErrnoException).syscall ?? ""))
      throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path: part, detail: describe(cause) }, { cause });
    throw cause;
  }
  if (total !== undefined && done < total)
    throw new Error(`the connection broke at ${done} of ${total} bytes`);
}

/** The hub states the SHA-256 of a large file where it redirects to its store. */
function compareStated(header: string | string[] | undefined, { sha256, url }: DownloadOptions): void {
  const stated = /^(?:W\/)?"?([0-9a-f]{64})"?$/.exec(String(header))?.[1];
  if (stated !== undefined && sha256 !== undefined && stated !== sha256)
    throw new GraspGroundingError("DOWNLOAD_CORRUPT", { url, found: stated, wanted: sha256 });
}

async function accept(part: string, options: DownloadOptions, url: string): Promise<void> {
  const { sha256, gitBlob } = options;
  const [found, wanted] =
    sha256 === undefined ? [await gitHash(part), gitBlob] : [await hashFile(part), sha256];
  if (found !== wanted) {
    await rm(part, { force: true });
    throw new GraspGroundingError("DOWNLOAD_CORRUPT", { url, found, wanted: wanted ?? "a stated hash" });
  }
  const file = await open(part, "r+");
  await file.sync();
  await file.close();
  await rename(part, options.path);
}

/** A file's object name in git: SHA-1 of its length and content. */
async function gitHash(path: string): Promise<string> {
  const hash = createHash("sha1").update(`blob ${await sizeOf(path)}\0`);
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    (s) => s.size,
    () => 0,
  );
