import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HubRepository {
  readonly id: string;
  readonly commit: string;
  readonly branches?: readonly string[];
  readonly licence?: string;
  readonly files: Readonly<Record<string, Buffer | string>>;
  /** Files need a token; `granted` is the one that has access. */
  readonly gated?: { readonly granted: string };
}

/** What goes wrong, by choice of a test. */
export interface Faults {
  /** Breaks the next answers of the store after so many bytes each. */
  breaks?: number[];
  /** Bytes that the client has on its disk; a broken answer waits for them. */
  written?: () => number;
  /** Content that the store sends instead. */
  content?: Buffer;
  /** SHA-256 that the redirect states instead. */
  stated?: string;
  /** Paths that the repository lists but no longer has. */
  vanished?: readonly string[];
  /** The next answers of the interface fail with this status. */
  failing?: number[];
}

export interface HubServer {
  readonly url: string;
  readonly faults: Faults;
  /** `PATH RANGE AUTHORISATION` of every request, by server. */
  readonly hub: string[];
  readonly store: string[];
  close(): Promise<void>;
}

const sha = (kind: "sha1" | "sha256", content: Buffer) => createHash(kind).update(content).digest("hex");
const gitBlob = (content: Buffer) =>
  sha("sha1", Buffer.concat([Buffer.from(`blob ${content.length}\0`), content]));
const isLarge = (path: string) => /\.onnx(_data)?$/.test(path);

/**
 * A model hub as its clients see it: an interface with commits and file lists (in pages), small files from itself,
 * large ones by a redirect with LFS headers to a store on another address, which knows byte ranges and no tokens.
 */
export async function hubServer(repositories: readonly HubRepository[]): Promise<HubServer> {
  const faults: Faults = {};
  const hub: string[] = [];
  const store: string[] = [];
  const note = (list: string[], request: IncomingMessage) =>
    list.push(
      `${request.url} ${request.headers.range ?? "all"} ${request.headers.authorization ?? "no token"}`,
    );
  const blobs = new Map<string, Buffer>();
  for (const { files } of repositories) {
    for (const [path, text] of Object.entries(files)) {
      if (isLarge(path)) blobs.set(sha("sha256", Buffer.from(text)), Buffer.from(text));
    }
  }

  const [storeServer, storeUrl] = await listen((request, response) => {
    note(store, request);
    const content = faults.content ?? blobs.get((request.url ?? "").slice(1));
    if (content === undefined) return void response.writeHead(404).end();
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (from >= content.length) return void response.writeHead(416).end();
    const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": content.length - from,
      ...(from > 0 && range),
    });
    const cut = faults.breaks?.shift();
    if (cut === undefined) return void response.end(content.subarray(from));
    if (cut === 0) return void response.destroy();
    // A client may drop what it holds when the connection breaks, so this waits until it has written these bytes down.
    const breakOff = () =>
      (faults.written?.() ?? from + cut) >= from + cut ? response.destroy() : setImmediate(breakOff);
    response.write(content.subarray(from, from + cut), breakOff);
  });

  const [server, url] = await listen((request, response) => {
    note(hub, request);
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://hub");
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)$/.exec(pathname);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(pathname);
    const id = decodeURIComponent((api ?? file)?.[1] ?? "");
    const repository = repositories.find((one) => one.id === id);
    // The public hub does not tell a stranger whether a repository is private or does not exist.
    if (repository === undefined) return json(response, token ? 404 : 401, { error: "Repository not found" });
    const revision = decodeURIComponent(api?.[3] ?? file?.[2] ?? "");
    if (revision !== repository.commit && !(repository.branches ?? ["main"]).includes(revision))
      return json(response, 404, { error: `Invalid rev id: ${revision}` });
    const failing = api ? faults.failing?.shift() : undefined;
    if (failing !== undefined) return json(response, failing, { error: "try later" });
    if (api?.[2] === "revision") return json(response, 200, info(repository));
    if (api?.[2] === "tree") return page(response, repository, url, Number(searchParams.get("cursor") ?? 0));
    if (repository.gated && token !== repository.gated.granted)
      return json(response, token ? 403 : 401, { error: `Access to model ${id} is restricted` });
    const path = decodeURIComponent(file?.[3] ?? "");
    const text = repository.files[path];
    if (text === undefined || faults.vanished?.includes(path))
      return json(response, 404, { error: "Entry not found" });
    const content = Buffer.from(text);
    if (!isLarge(path)) {
      response.writeHead(200, { "content-length": content.length, etag: `"${gitBlob(content)}"` });
      return void response.end(content);
    }
    const hash = sha("sha256", content);
    response
      .writeHead(302, {
        location: `${storeUrl}/${hash}`,
        "x-linked-etag": `"${faults.stated ?? hash}"`,
        "x-linked-size": content.length,
        "x-repo-commit": repository.commit,
      })
      .end();
  });
  return {
    url,
    faults,
    hub,
    store,
    close: async () => void (await Promise.all([shut(server), shut(storeServer)])),
  };
}

function info({ id, commit, licence, gated }: HubRepository) {
  return {
    ...{ _id: "0", id, sha: commit, private: false, gated: gated ? "auto" : false, downloads: 0, likes: 0 },
    lastModified: "2025-01-01T00:00:00.000Z",
    cardData: licence === undefined ? {} : { license: licence },
  };
}

/** Three entries a page; the next page's address is in the header. */
function page(
  response: ServerResponse,
  { id, commit, files }: HubRepository,
  url: string,
  cursor: number,
): void {
  const entries = Object.entries(files).map(([path, text]) => {
    const content = Buffer.from(text);
    const lfs = { oid: sha("sha256", content), size: content.length, pointerSize: 134 };
    return {
      ...{ type: "file", path, size: content.length, oid: gitBlob(content) },
      ...(isLarge(path) && { lfs }),
    };
  });
  const next = `${url}/api/models/${id}/tree/${commit}?recursive=true&cursor=${cursor + 3}`;
  const more = cursor + 3 < entries.length;
  json(response, 200, entries.slice(cursor, cursor + 3), more ? { link: `<${next}>; rel="next"` } : {});
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

async function listen(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<[Server, string]> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return [server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
}

const shut = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  });
