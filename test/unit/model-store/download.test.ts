import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  copyChecked,
  type DownloadOptions,
  download,
  knownWeights,
  proxyFor,
} from "../../../src/model-store/index.js";

const folder = mkdtempSync(join(tmpdir(), "download-"));
const content = randomBytes(3_000_000);
const sha256 = createHash("sha256").update(content).digest("hex");
const requests: IncomingMessage[] = [];
let server: Server;
let count = 0;
let path = "";

/** A server with byte ranges, which hands each request to `behave` first. */
type Behaviour = (request: IncomingMessage, response: ServerResponse, from: number, n: number) => boolean;
let behave: Behaviour = () => false;

const listen = (s: Server): Promise<string> =>
  new Promise((resolve) => {
    s.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(s.address() as AddressInfo).port}`));
  });

let address = "";

beforeEach(async () => {
  requests.length = 0;
  behave = () => false;
  path = join(folder, `${count++}`, "weights.pt");
  server = createServer((request, response) => {
    requests.push(request);
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    if (behave(request, response, from, requests.length)) return;
    if (from >= content.length) {
      response.writeHead(416).end();
      return;
    }
    const body = content.subarray(from);
    const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, { "content-length": body.length, ...(from > 0 && range) });
    response.end(body);
  });
  address = await listen(server);
});
afterEach(
  () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fetchIt = (more: Partial<DownloadOptions> = {}) =>
  download({ url: `${address}/weights.pt`, sha256, path, name: "test", pauseMs: 5, ...more });

/** Answers with the first bytes of what was asked and then breaks the connection. */
const breakAfter =
  (bytes: number): Behaviour =>
  (_request, response, from) => {
    const body = content.subarray(from, from + bytes);
    const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": content.length - from,
      ...(from > 0 && range),
    });
    response.write(body, () => setTimeout(() => response.destroy(), 20));
    return true;
  };

describe("download", () => {
  it("fetches, checks and names the file", async () => {
    const seen: [number, number | undefined][] = [];
    await fetchIt({ onProgress: (done, total) => seen.push([done, total]) });
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(seen.at(-1)).toEqual([content.length, content.length]);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it("takes a broken connection up where it stopped, as often as it brings something new", async () => {
    behave = (request, response, from, n) => n <= 6 && breakAfter(400_000)(request, response, from, n);
    await fetchIt({ tries: 2 });
    expect(readFileSync(path).equals(content)).toBe(true);
    const starts = requests.map((request) => Number(request.headers.range?.match(/\d+/)?.[0] ?? 0));
    expect(starts).toHaveLength(7);
    expect(starts.every((start, i) => i === 0 || start > (starts[i - 1] ?? 0))).toBe(true);
  });

  it("goes on with what an earlier run left behind", async () => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(`${path}.part`, content.subarray(0, 2_000_000));
    await fetchIt();
    expect(requests[0]?.headers.range).toBe("bytes=2000000-");
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it("starts over when the server knows no ranges", async () => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(`${path}.part`, "something else");
    behave = (_request, response) => {
      response.writeHead(200).end(content);
      return true;
    };
    await fetchIt();
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it("never lets half a file pass, and keeps it for the next run", async () => {
    behave = (request, response, from, n) =>
      n === 1 ? breakAfter(1_000_000)(request, response, from, n) : Boolean(response.destroy());
    await expect(fetchIt({ tries: 2 })).rejects.toMatchObject({ code: "DOWNLOAD_FAILED" });
    expect(existsSync(path)).toBe(false);
    const kept = statSync(`${path}.part`).size;
    expect(kept).toBeGreaterThan(500_000);
    expect(kept).toBeLessThanOrEqual(1_000_000);
    behave = () => false;
    await fetchIt();
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it("refuses and removes a file with another hash", async () => {
    behave = (_request, response) => {
      response.end(Buffer.concat([content.subarray(1), Buffer.from("x")]));
      return true;
    };
    await expect(fetchIt()).rejects.toMatchObject({ code: "DOWNLOAD_CORRUPT" });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.part`)).toBe(false);
  });

  it("removes a part that is longer than the file, and fetches anew next time", async () => {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(`${path}.part`, Buffer.concat([content, content]));
    await expect(fetchIt()).rejects.toMatchObject({ code: "DOWNLOAD_CORRUPT" });
    await fetchIt();
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it("gives a stalled connection up", async () => {
    behave = (_request, response, _from, n) => {
      if (n > 1) return false;
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 1000));
      return true;
    };
    await fetchIt({ idleMs: 200 });
    expect(requests).toHaveLength(2);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it("tries again after a busy server, but not after a missing file", async () => {
    behave = (_request, response, _from, n) => n <= 2 && Boolean(response.writeHead(503).end());
    await fetchIt();
    expect(requests).toHaveLength(3);
    requests.length = 0;
    behave = (_request, response) => Boolean(response.writeHead(404).end());
    const missing = fetchIt({ path: `${path}2` });
    await expect(missing).rejects.toThrow(/answers 404.*models pull test --from FOLDER/);
    expect(requests).toHaveLength(1);
  });

  it("follows redirects, and says so when there is no server at all", async () => {
    behave = (request, response) =>
      request.url === "/weights.pt" && Boolean(response.writeHead(302, { location: "/elsewhere" }).end());
    await fetchIt();
    expect(requests.map((request) => request.url)).toEqual(["/weights.pt", "/elsewhere"]);
    const nowhere = fetchIt({ url: "http://127.0.0.1:9/weights.pt", path: `${path}2`, tries: 1 });
    await expect(nowhere).rejects.toMatchObject({ code: "DOWNLOAD_FAILED" });
  });
});

describe("proxies", () => {
  it("reads the environment as curl does", () => {
    const url = new URL("https://weights.example.org/a");
    expect(proxyFor(url, {})).toBeUndefined();
    expect(proxyFor(url, { HTTPS_PROXY: "proxy.lan:3128" })?.href).toBe("http://proxy.lan:3128/");
    expect(proxyFor(url, { HTTP_PROXY: "http://proxy.lan" })).toBeUndefined();
    expect(proxyFor(url, { ALL_PROXY: "http://proxy.lan" })?.host).toBe("proxy.lan");
    for (const NO_PROXY of [
      "*",
      "example.org",
      ".example.org",
      "other, weights.example.org",
      "*.example.org",
    ])
      expect(proxyFor(url, { https_proxy: "http://proxy.lan", NO_PROXY })).toBeUndefined();
    for (const NO_PROXY of ["xample.org", "example.org:8443", "s.example"])
      expect(proxyFor(url, { https_proxy: "http://proxy.lan", NO_PROXY })).toBeDefined();
  });

  it("fetches http through HTTP_PROXY, with the password", async () => {
    const seen: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      seen.push(request.url, request.headers["proxy-authorization"]);
      response.end(content);
    });
    const at = await listen(proxy);
    process.env.HTTP_PROXY = at.replace("//", "//me:p%40ss@");
    try {
      await fetchIt({ url: "http://weights.invalid/weights.pt" });
    } finally {
      process.env.HTTP_PROXY = "";
      proxy.closeAllConnections();
      proxy.close();
    }
    expect(seen).toEqual(["http://weights.invalid/weights.pt", `Basic ${btoa("me:p@ss")}`]);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  it("fetches https through a tunnel of HTTPS_PROXY, encrypted to the host that was asked for", async () => {
    const key = join(folder, "key.pem");
    const certificate = join(folder, "cert.pem");
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=weights.invalid"],
        ...["-keyout", key, "-out", certificate],
      ],
      { stdio: "ignore" },
    );
    const far = createTlsServer(
      { key: readFileSync(key), cert: readFileSync(certificate) },
      (_request, response) => response.end(content),
    );
    const farPort = Number(new URL(await listen(far)).port);
    const asked: (string | undefined)[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket) => {
      asked.push(request.url);
      const upstream = connect(farPort, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        upstream.pipe(socket);
        socket.pipe(upstream);
      });
      upstream.on("error", () => socket.destroy());
      socket.on("error", () => upstream.destroy());
    });
    process.env.HTTPS_PROXY = await listen(proxy);
    try {
      const untrusted = fetchIt({ url: "https://weights.invalid/weights.pt", tries: 1 });
      await expect(untrusted).rejects.toThrow(/self.signed certificate/);
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
      await fetchIt({ url: "https://weights.invalid/weights.pt" });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      process.env.HTTPS_PROXY = "";
      far.closeAllConnections();
      far.close();
      proxy.close();
    }
    expect(new Set(asked)).toEqual(new Set(["weights.invalid:443"]));
    expect(readFileSync(path).equals(content)).toBe(true);
  });
});

describe("a local copy instead of a server", () => {
  it("is checked and copied", async () => {
    const source = join(folder, "copy.pt");
    writeFileSync(source, content);
    await copyChecked(source, { url: source, sha256, path, name: "test" });
    expect(readFileSync(path).equals(content)).toBe(true);
    writeFileSync(source, content.subarray(0, 1000));
    const half = copyChecked(source, { url: source, sha256, path: `${path}2`, name: "test" });
    await expect(half).rejects.toMatchObject({ code: "DOWNLOAD_CORRUPT" });
    expect(existsSync(`${path}2`)).toBe(false);
  });
});

describe("known weights", () => {
  it("are addressed by their hash, as the publisher does", () => {
    expect(knownWeights.map(({ name }) => name)).toEqual(["clip-vit-b16", "clip-vit-l14"]);
    for (const { url, sha256: hash, file } of knownWeights) {
      expect(url).toMatch(/^https:/);
      expect(url.endsWith(`/${hash}/${file}`)).toBe(true);
    }
  });
});
