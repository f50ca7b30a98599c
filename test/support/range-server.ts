import { createReadStream, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface RangeServerOptions {
  readonly folder: string;
  /** Called before each answer with the number of the request, from 0; true means that it has answered itself. */
  readonly meddle?: (n: number, request: IncomingMessage, response: ServerResponse) => boolean;
  readonly etag?: () => string;
  readonly ranges?: boolean;
}

export interface RangeServer {
  readonly url: string;
  readonly requests: string[];
  readonly bytes: () => number;
  close(): Promise<void>;
}

/** An object store as far as a reader sees it: files of a folder by byte range, with an ETag. */
export async function rangeServer(options: RangeServerOptions): Promise<RangeServer> {
  const requests: string[] = [];
  let bytes = 0;
  const server = createServer((request, response) => {
    const n = requests.push(request.headers.range ?? "all") - 1;
    if (options.meddle?.(n, request, response)) return;
    const file = join(options.folder, decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname));
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return void response.writeHead(404).end();
    const etag = options.etag?.() ?? '"one"';
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
    if (range === null || options.ranges === false) {
      response.writeHead(200, { "content-length": size, etag });
      return void createReadStream(file).pipe(response);
    }
    const start = Number(range[1]);
    const end = Math.min(Number(range[2]), size - 1);
    if (start >= size) return void response.writeHead(416, { "content-range": `bytes */${size}` }).end();
    bytes += end - start + 1;
    response.writeHead(206, {
      "content-range": `bytes ${start}-${end}/${size}`,
      "content-length": end - start + 1,
      etag,
    });
    createReadStream(file, { start, end }).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    bytes: () => bytes,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
