import type { IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { describe, GraspGroundingError } from "../errors/index.js";
import { follow, Refused } from "../net/index.js";
import type { ByteSource } from "./file.js";

export interface HttpOptions {
  /** Tries in a row that bring nothing new. Default 5. */
  readonly tries?: number;
  /** First pause between tries (ms), doubled each time. Default 250. */
  readonly pauseMs?: number;
  /** A connection that says nothing for so long (ms) is closed. Default 30,000. */
  readonly idleMs?: number;
}

export const isUrl = (target: string): boolean => /^https?:\/\//i.test(target);

/** An address as it may be shown: without credentials and without the signature of a presigned link. */
export function shownUrl(target: string): string {
  const url = new URL(target);
  return `${url.origin}${url.pathname}`;
}

/** Bytes of a block. Whole blocks are fetched and cached: an index is many small reads, and chunks overlap blocks. */
const blockSize = 1024 * 1024;
const maxCachedBlocks = 48;

/**
 * A file on a web server or in object storage, read by range requests (RFC 9110, section 14). A connection that breaks
 * is taken up again where it stopped; a file that changes meanwhile is noticed by its ETag.
 */
export class HttpSource implements ByteSource {
  readonly size: number;
  readonly #url: URL;
  readonly #version: string | undefined;
  readonly #options: HttpOptions;
  readonly #blocks = new LRUCache<number, Promise<Uint8Array>>({ max: maxCachedBlocks });
  #closed = false;

  private constructor(url: URL, size: number, version: string | undefined, options: HttpOptions) {
    this.#url = url;
    this.size = size;
    this.#version = version;
    this.#options = options;
  }

  /** @throws GraspGroundingError BAG_MISSING, BAG_UNREACHABLE */
  static async open(target: string, options: HttpOptions = {}): Promise<HttpSource> {
    const url = new URL(target);
    return await reaching(url, async () => {
      const response = await retry(options, () => request(url, 0, 0, options));
      response.resume();
      const size = Number(/\/(\d+)$/.exec(response.headers["content-range"] ?? "")?.[1]);
      if (response.statusCode === 416) return new HttpSource(url, 0, versionOf(response), options);
      if (response.statusCode !== 206 || !Number.isSafeInteger(size)) {
        response.destroy();
        throw new Refused("the server does not serve parts of files (range requests)");
      }
      return new HttpSource(url, size, versionOf(response), options);
    });
  }

  async read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    if (offset + length > this.size) throw new RangeError(`the file ends at byte ${this.size}`);
    const buffer = into?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length);
    if (length === 0) return buffer;
    const first = Math.floor(offset / blockSize);
    const last = Math.floor((offset + length - 1) / blockSize);
    const blocks = this.#fetch(first, last);
    for (const [i, promise] of blocks.entries()) {
      const block = await promise;
      const start = (first + i) * blockSize;
      const from = Math.max(offset, start);
      const to = Math.min(offset + length, start + block.byteLength);
      buffer.set(block.subarray(from - start, to - start), from - offset);
    }
    return buffer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#blocks.clear();
  }

  /** The blocks from first to last; neighbours that are missing come in one request. */
  #fetch(first: number, last: number): Promise<Uint8Array>[] {
    const wanted: Promise<Uint8Array>[] = [];
    for (let index = first; index <= last; index++) {
      const known = this.#blocks.get(index);
      if (known !== undefined) {
        wanted.push(known);
        continue;
      }
      let end = index;
      while (end < last && !this.#blocks.has(end + 1)) end++;
      const range = this.#range(index * blockSize, Math.min(this.size, (end + 1) * blockSize));
      for (let i = index; i <= end; i++) {
        const at = (i - index) * blockSize;
        const block = range.then((bytes) => bytes.subarray(at, at + blockSize));
        block.catch(() => this.#blocks.delete(i));
        this.#blocks.set(i, block);
        wanted.push(block);
      }
      index = end;
    }
    return wanted;
  }

  async #range(start: number, end: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(end - start);
    let done = 0;
    await reaching(this.#url, () =>
      retry(
        this.#options,
        async () => {
          if (this.#closed) throw new Refused("it is closed");
          const response = await request(this.#url, start + done, end - 1, this.#options);
          if (response.statusCode !== 206) {
            response.destroy();
            throw new Refused(`the server answers ${response.statusCode} to a range request`);
          }
          const version = versionOf(response);
          if (this.#version !== undefined && version !== undefined && version !== this.#version) {
            response.destroy();
            throw new Refused("the file was replaced while it was read");
          }
          for await (const chunk of response as AsyncIterable<Buffer>) {
            const room = bytes.subarray(done);
            done += chunk.copy(room, 0, 0, Math.min(chunk.length, room.length));
          }
          if (done < bytes.length) throw new Error(`the connection broke at byte ${start + done}`);
        },
        () => done,
      ),
    );
    return bytes;
  }
}

/** Strong validators only: a weak one may stay the same over different bytes. */
const versionOf = ({ headers }: IncomingMessage): string | undefined =>
  headers.etag !== undefined && !headers.etag.startsWith("W/") ? headers.etag : headers["last-modified"];

async function request(
  url: URL,
  start: number,
  last: number,
  options: HttpOptions,
): Promise<IncomingMessage> {
  const response = await follow(url, {
    headers: (at) => ({
      "user-agent": "grasp-grounding",
      "accept-encoding": "identity",
      range: `bytes=${start}-${last}`,
      ...(at.username !== "" && { authorization: basic(at) }),
    }),
    idleMs: options.idleMs ?? 30_000,
  });
  const status = response.statusCode ?? 0;
  if (status < 300 || status === 416) return response;
  response.resume();
  const hint = status === 401 || status === 403 ? "; a presigned link may have expired" : "";
  const message = `the server answers ${status}${hint}`;
  throw status === 408 || status === 429 || status >= 500 ? new Error(message) : new Refused(message);
}

const basic = ({ username, password }: URL): string =>
  `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`;

/** Tries again after a pause: without limit while attempts bring new bytes, a few times when they do not. */
async function retry<T>(
  options: HttpOptions,
  attempt: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  let idle = 0;
  for (;;) {
    const before = progress();
    try {
      return await attempt();
    } catch (error) {
      idle = progress() > before ? 0 : idle + 1;
      if (error instanceof Refused || idle >= (options.tries ?? 5)) throw error;
      await wait((options.pauseMs ?? 250) * 2 ** idle);
    }
  }
}

async function reaching<T>(url: URL, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const path = shownUrl(url.href);
    const detail = describe(cause);
    if (cause instanceof Refused && /answers (404|410)/.test(detail))
      throw new GraspGroundingError("BAG_MISSING", { path }, { cause });
    throw new GraspGroundingError("BAG_UNREACHABLE", { path, detail }, { cause });
  }
}
