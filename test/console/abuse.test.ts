import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import WebSocket from "ws";
import { Tokens } from "../../src/console/server/tokens.js";
import { repository } from "../support/python.js";
import { simulatedArm } from "./support/arm.js";
import { command, openConsole, signIn, type TestConsole } from "./support/console.js";

/** Who means harm, or does it by accident: no failure of the server, no crash, no motion. */
const operatorToken = "operator-secret-for-tests";
const viewerToken = "viewer-secret-for-tests";
const environment = {
  GRASP_GROUNDING_OPERATOR_TOKEN: operatorToken,
  GRASP_GROUNDING_VIEWER_TOKEN: viewerToken,
};
let arm: Awaited<ReturnType<typeof simulatedArm>>;
let served: TestConsole;
let start: readonly number[];

beforeAll(async () => {
  arm = await simulatedArm();
  served = await openConsole({ arm: arm.consoleArm, environment });
  start = arm.controller.reading()?.positions ?? [];
});
afterAll(() => served?.close());
afterEach(async () => {
  expect(arm.controller.reading()?.positions, "the arm moved").toEqual(start);
  expect((await fetch(new URL("healthz", served.url))).status).toBe(200);
});

const open = async (token: string): Promise<WebSocket> => {
  const socket = new WebSocket(new URL("live", served.url.replace("http", "ws")), {
    headers: { authorization: `Bearer ${token}` },
  });
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("open", resolve).once("close", resolve));
  return socket;
};

it("survives whatever comes over the live socket, from anybody", { timeout: 120_000 }, async () => {
  await command(served.url, (await signIn(served.url, { token: operatorToken })).cookie, {
    name: "ask",
    query: "the green apple",
  });
  const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(-1, 0, 1e308, Number.NaN, 2 ** 53));
  const value = fc.oneof(number, fc.string(), fc.boolean(), fc.constant(null), fc.array(number));
  const name = fc.constantFrom(
    ...["ask", "pick", "place", "jog", "preview", "choose", "identify", "seek", "step", "parameter", "reset"],
  );
  // Nearly right: the protocol's own names with anything in their fields.
  const near = fc.record({
    type: fc.constantFrom("command", "ack", "view", "beat", "drive", "turn", "ping", "hello"),
    id: fc.oneof(fc.nat(), value),
    seq: value,
    width: value,
    linear: value,
    angular: value,
    joint: value,
    velocity: value,
    at: value,
    command: fc.record({ name, query: value, answer: value, candidate: value, x: value, y: value }),
  });
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ maxLength: 2000, unit: "binary" }),
    fc.json(),
    near.map((each) => JSON.stringify(each)),
  );
  let closed = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(viewerToken, operatorToken),
      fc.array(message, { minLength: 5, maxLength: 40 }),
      async (token, messages) => {
        const socket = await open(token);
        for (const each of messages) if (socket.readyState === socket.OPEN) socket.send(each);
        if (socket.readyState !== socket.OPEN) closed++;
        // An operator's well-formed `pick` would need heartbeats for longer than this.
        await new Promise((resolve) => setTimeout(resolve, 10));
        socket.terminate();
        expect(arm.speed()).toBe(0);
      },
    ),
    { numRuns: 120, endOnFailure: true },
  );
  expect(closed).toBeLessThan(120);
  const socket = await open(viewerToken);
  const answered = new Promise((resolve) => socket.on("message", (_, binary) => !binary && resolve(true)));
  expect(await answered).toBe(true);
  socket.terminate();
});

it("lets go of a client that sends too large a message, or frames that are no WebSocket's", async () => {
  const socket = await open(viewerToken);
  const code = new Promise<number>((resolve) => socket.once("close", resolve));
  socket.send(Buffer.alloc(70_000));
  expect(await code).toBe(1009);
  const { hostname, port } = new URL(served.url);
  const raw = connect(Number(port), hostname);
  raw.on("error", () => undefined);
  const ended = new Promise((resolve) => raw.once("close", resolve));
  raw.write(
    `GET /live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${viewerToken}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  await new Promise((resolve) => raw.once("data", resolve));
  raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
  await ended;
});

it("refuses floods of headers, of paths and of bodies", async () => {
  const { hostname, port } = new URL(served.url);
  const send = (text: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(Number(port), hostname, () => socket.write(text));
      let answer = "";
      socket.on("data", (chunk) => {
        answer += chunk;
      });
      socket.on("close", () => resolve(answer));
      socket.on("error", () => resolve(answer));
    });
  const many = Array.from({ length: 5000 }, (_, i) => `X-${i}: y\r\n`).join("");
  expect(await send(`GET /healthz HTTP/1.1\r\nHost: localhost\r\n${many}\r\n`)).toMatch(/^HTTP\/1\.1 431/);
  expect(
    await send(
      `GET /${"a/".repeat(5000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ${"z".repeat(9000)}\r\n\r\n`,
    ),
  ).toMatch(/^HTTP\/1\.1 4\d\d/);
  expect(
    await send(
      `POST /api/command HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${operatorToken}\r\nContent-Type: application/json\r\nContent-Length: 900000000\r\nConnection: close\r\n\r\n{`,
    ),
  ).toMatch(/^HTTP\/1\.1 413/);
  expect(
    await send(
      "POST /api/command HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    ),
  ).toMatch(/^HTTP\/1\.1 400/);
});

const tls = (name: string) => join(repository, "test", "fixtures", "tls", name);

it("serves over TLS with a secure cookie, and says what is wrong with a certificate", async () => {
  const secure = await openConsole({ tls: { cert: tls("cert.pem"), key: tls("key.pem") } });
  try {
    expect(secure.url).toMatch(/^https:/);
    const ca = readFileSync(tls("cert.pem"));
    const headers = await new Promise<Record<string, unknown>>((resolve, reject) => {
      get(new URL("api/session", secure.url), { ca }, (answer) => {
        answer.resume();
        resolve({ status: answer.statusCode, ...answer.headers });
      }).on("error", reject);
    });
    expect(headers.status).toBe(200);
    expect(headers["strict-transport-security"]).toMatch(/max-age/);
    const cookie = await new Promise<string>((resolve, reject) => {
      const socket = new WebSocket(new URL("live", secure.url.replace("https", "wss")), { ca });
      socket.on("unexpected-response", (_, answer) => {
        answer.resume();
        resolve(String(answer.statusCode));
      });
      socket.on("error", reject);
    });
    expect(cookie).toBe("401");
    // Plain HTTP on the port of HTTPS is refused.
    await expect(fetch(secure.url.replace("https", "http"))).rejects.toThrow();
  } finally {
    await secure.close();
  }
  await expect(openConsole({ tls: { cert: tls("none.pem"), key: tls("key.pem") } })).rejects.toMatchObject({
    code: "CONSOLE_TLS",
  });
  await expect(openConsole({ tls: { cert: tls("key.pem"), key: tls("key.pem") } })).rejects.toMatchObject({
    code: "CONSOLE_TLS",
  });
});

it("holds what schemathesis sends, with an operator's token", { timeout: 180_000 }, async () => {
  const program = join(repository, ".cache", "schemathesis", "bin", "schemathesis");
  if (!existsSync(program)) {
    expect(process.env.CI, "CI must have schemathesis: scripts/test.mjs sets it up").toBeFalsy();
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "schemathesis-"));
  const child = spawn(
    program,
    [
      "run",
      new URL("docs/json", served.url).href,
      "--header",
      `Authorization: Bearer ${operatorToken}`,
      "--checks",
      "not_a_server_error,status_code_conformance",
      "--max-examples",
      process.env.SCHEMATHESIS_EXAMPLES ?? "12",
      "--phases",
      "examples,coverage,fuzzing",
      "--seed",
      "7",
      "--no-color",
    ],
    // It keeps a folder of its own where it runs.
    { cwd: folder },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  rmSync(folder, { recursive: true, force: true });
  expect(code, output.slice(-4000)).toBe(0);
  expect(output).toMatch(/\d+ generated|Test cases:/);
  console.log(
    output
      .split("\n")
      .filter((line) => /generated|passed|Operations|Tested/.test(line))
      .join("\n"),
  );
  served.core.log.add("info", "after schemathesis");
});

it("takes as long for a token that is nearly right as for any other", async () => {
  const tokens = new Tokens([
    { role: "operator", token: operatorToken },
    { role: "viewer", token: viewerToken },
  ]);
  const near = `${operatorToken.slice(0, -1)}x`;
  const far = `x${operatorToken.slice(1)}`;
  const time = (token: string) => {
    const from = process.hrtime.bigint();
    for (let i = 0; i < 400; i++) tokens.roleOf(token);
    return Number(process.hrtime.bigint() - from);
  };
  for (let i = 0; i < 20; i++) time(near) + time(far);
  // Taken in turns, so that whatever else the machine does meets both alike.
  const ratios = Array.from({ length: 101 }, () => time(near) / time(far)).sort((a, b) => a - b);
  expect(ratios[50]).toBeGreaterThan(0.8);
  expect(ratios[50]).toBeLessThan(1.25);
});

it("holds 10,000 wrong tokens: ten are told that they are wrong, and who has a right one goes on, from the same address", {
  timeout: 120_000,
}, async () => {
  const watching = await open(viewerToken);
  const { cookie } = await signIn(served.url, { token: viewerToken });
  const bearer = { authorization: `Bearer ${viewerToken}` };
  const counts = new Map<number, number>();
  const from = performance.now();
  let sent = 0;
  const worker = async () => {
    while (sent < 10_000) {
      const i = sent++;
      const answer =
        i % 2 === 0
          ? await fetch(new URL("api/session", served.url), {
              method: "POST",
              headers: { "content-type": "application/json" },
              body: JSON.stringify({ token: `wrong-token-number-${i}` }),
            })
          : await fetch(new URL("api/state", served.url), {
              headers: { authorization: `Bearer wrong-token-number-${i}` },
            });
      await answer.arrayBuffer();
      counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
    }
  };
  const flood = Promise.all(Array.from({ length: 20 }, worker));
  // Meanwhile, from the address that guesses: a program with its token, a page with its cookie, and a stop.
  const rightful: Record<string, Set<number>> = {
    token: new Set(),
    cookie: new Set(),
    stop: new Set(),
    signIn: new Set(),
  };
  for (let i = 0; i < 50; i++) {
    const state = new URL("api/state", served.url);
    rightful.token?.add((await fetch(state, { headers: bearer })).status);
    rightful.cookie?.add((await fetch(state, { headers: { cookie } })).status);
    const stop = await fetch(new URL("api/command", served.url), {
      method: "POST",
      headers: { ...bearer, "content-type": "application/json" },
      body: JSON.stringify({ name: "estop" }),
    });
    rightful.stop?.add(stop.status);
    if (i === 0) rightful.signIn?.add((await signIn(served.url, { token: viewerToken })).status);
  }
  expect(sent, "the flood ended before the rightful").toBeLessThan(10_000);
  await flood;
  expect(rightful).toEqual({
    token: new Set([200]),
    cookie: new Set([200]),
    stop: new Set([200]),
    signIn: new Set([200]),
  });
  console.log(
    `10,000 wrong tokens in ${((performance.now() - from) / 1000).toFixed(1)} s: ${[...counts].map(([status, n]) => `${n} × ${status}`).join(", ")}`,
  );
  expect([...counts.keys()].filter((status) => status !== 401 && status !== 429)).toEqual([]);
  expect(counts.get(401) ?? 0).toBeLessThanOrEqual(10);
  expect((await command(served.url, "", { name: "estop" })).status).toBe(401);
  expect(watching.readyState).toBe(watching.OPEN);
  // The stop still goes through, over the connection that stands.
  const stopped = new Promise((resolve) =>
    watching.on("message", (data, binary) => {
      if (!binary && String(data).includes('"id":99')) resolve(JSON.parse(String(data)).ok);
    }),
  );
  watching.send(JSON.stringify({ type: "command", id: 99, command: { name: "estop" } }));
  expect(await stopped).toBe(true);
  watching.terminate();
});
