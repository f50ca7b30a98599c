import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import WebSocket from "ws";
import { openBrowser } from "./support/browser.js";
import { command, openConsole, signIn, type TestConsole } from "./support/console.js";

const folder = mkdtempSync(join(tmpdir(), "console-access-"));
const audit = join(folder, "audit.jsonl");
const operatorToken = "operator-secret-for-tests";
const viewerToken = "viewer-secret-for-tests";
let served: TestConsole;

beforeAll(async () => {
  served = await openConsole({
    audit,
    environment: { GRASP_GROUNDING_OPERATOR_TOKEN: operatorToken, GRASP_GROUNDING_VIEWER_TOKEN: viewerToken },
  });
});
afterAll(async () => {
  await served?.close();
  rmSync(folder, { recursive: true, force: true });
});

const lines = () =>
  readFileSync(audit, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** Status and body of a raw request, with headers fetch would not send. */
const raw = (path: string, headers: Record<string, string>, method = "GET", body?: string) =>
  new Promise<{ status: number; body: string }>((resolve, reject) => {
    const sent = request(new URL(path, served.url), { method, headers, agent: false }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });

/** How an attempt to open the live socket ends: "open", or the HTTP status it was refused with. */
const opens = (headers: Record<string, string>) =>
  new Promise<string>((resolve) => {
    const socket = new WebSocket(new URL("live", served.url.replace("http", "ws")), { headers });
    socket.on("open", () => {
      socket.close();
      resolve("open");
    });
    socket.on("unexpected-response", (_request, answer) => {
      answer.resume();
      resolve(String(answer.statusCode));
    });
    socket.on("error", () => resolve("error"));
  });

it("refuses to listen beyond loopback without a token", async () => {
  await expect(openConsole({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "CONSOLE_NEEDS_TOKEN" });
});

it("refuses a short token", async () => {
  const environment = { GRASP_GROUNDING_OPERATOR_TOKEN: "short" };
  await expect(openConsole({ environment })).rejects.toMatchObject({ code: "CONSOLE_TOKENS" });
});

it("gives nothing to who has not signed in", async () => {
  for (const path of ["api/state", "api/answers", "api/frame.jpg", "api/answers/1/heat.png"])
    expect((await fetch(new URL(path, served.url))).status).toBe(401);
  expect((await command(served.url, "", { name: "pause" })).status).toBe(401);
  expect(await opens({})).toBe("401");
});

it("lets a viewer watch and stop, and nothing else", async () => {
  const { cookie } = await signIn(served.url, { token: viewerToken, name: "Vera" });
  expect((await fetch(new URL("api/state", served.url), { headers: { cookie } })).status).toBe(200);
  const asked = await command(served.url, cookie, { name: "ask", query: "the blue mug" });
  expect([asked.status, asked.body.error?.code]).toEqual([403, "ACCESS_ROLE"]);
  expect((await command(served.url, cookie, { name: "estop", reason: "hand in the way" })).status).toBe(200);
  expect(served.core.store.value.estop).toMatchObject({ latched: true, by: "Vera" });
  expect((await command(served.url, cookie, { name: "estop.reset" })).status).toBe(403);
});

it("lets one operator control at a time", async () => {
  const first = await signIn(served.url, { token: operatorToken, name: "Ada" });
  const second = await signIn(served.url, { token: operatorToken, name: "Bo" });
  expect((await command(served.url, first.cookie, { name: "estop.reset" })).status).toBe(200);
  const refused = await command(served.url, second.cookie, { name: "play" });
  expect([refused.status, refused.body.error?.code]).toEqual([409, "LEASE_HELD"]);
  expect(refused.body.error?.message).toContain("Ada");
  expect((await command(served.url, second.cookie, { name: "lease.take" })).body.result).toEqual({
    inControl: false,
  });
  expect((await command(served.url, first.cookie, { name: "lease.grant" })).status).toBe(200);
  expect((await command(served.url, second.cookie, { name: "pause" })).status).toBe(200);
  expect((await command(served.url, second.cookie, { name: "lease.release" })).status).toBe(200);
});

it("takes a program's token from the header", async () => {
  const state = (token: string) =>
    fetch(new URL("api/state", served.url), { headers: { authorization: `Bearer ${token}` } });
  expect((await state(viewerToken)).status).toBe(200);
  expect((await state(`${viewerToken}x`)).status).toBe(401);
});

it("writes down every command with who, what, when and outcome, and no secret", async () => {
  const entries = lines();
  expect(entries).toContainEqual(
    expect.objectContaining({
      who: "Vera",
      role: "viewer",
      what: "ask",
      outcome: "refused",
      code: "ACCESS_ROLE",
    }),
  );
  expect(entries).toContainEqual(expect.objectContaining({ who: "Vera", what: "estop", outcome: "done" }));
  expect(entries).toContainEqual(expect.objectContaining({ who: "Bo", what: "play", code: "LEASE_HELD" }));
  for (const { at } of entries) expect(Math.abs(Date.parse(String(at)) - Date.now())).toBeLessThan(120_000);
  expect(readFileSync(audit, "utf8")).not.toContain("secret");
});

it("refuses other origins and other names of its own", async () => {
  const { cookie } = await signIn(served.url, { token: viewerToken });
  const { host } = new URL(served.url);
  expect((await raw("api/state", { cookie, origin: `http://${host}` })).status).toBe(200);
  expect((await raw("api/state", { cookie, origin: "http://evil.example" })).status).toBe(403);
  expect((await raw("api/state", { cookie, origin: "null" })).status).toBe(403);
  expect((await raw("api/state", { cookie, host: "evil.example" })).status).toBe(403);
  expect(await opens({ cookie, origin: "http://evil.example" })).toBe("403");
  expect(await opens({ cookie, origin: `http://${host}` })).toBe("open");
});

it("sends a strict content policy and a cookie no script can read", async () => {
  const page = await fetch(served.url);
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain("unsafe");
  expect(page.headers.get("cache-control")).toContain("no-cache");
  const answer = await fetch(new URL("api/session", served.url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: viewerToken }),
  });
  expect(answer.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict/);
});

it("refuses path traversal, oversized bodies and header floods without a failure", async () => {
  const { cookie } = await signIn(served.url, { token: viewerToken });
  for (const path of [
    "/../package.json",
    "/..%2f..%2fpackage.json",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/assets/../../server.js",
  ]) {
    const answer = await new Promise<string>((resolve, reject) => {
      const { hostname, port } = new URL(served.url);
      const socket = connect(Number(port), hostname, () =>
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`),
      );
      let text = "";
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("close", () => resolve(text));
      socket.on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 40[0-9]/);
    expect(answer).not.toContain("dependencies");
  }
  const large = JSON.stringify({ name: "ask", query: "x".repeat(70_000) });
  const headers = { cookie, "content-type": "application/json" };
  expect((await raw("api/command", headers, "POST", large)).status).toBe(413);
  expect((await raw("api/command", headers, "POST", "{")).status).toBe(400);
  expect((await raw("api/command", headers, "POST", '{"name":"nothing"}')).status).toBe(400);
  expect((await raw("api/state", { cookie, "x-flood": "y".repeat(20_000) })).status).toBe(431);
  expect((await raw("healthz", {})).status).toBe(200);
});

it("describes its API", async () => {
  const api = (await (await fetch(new URL("docs/json", served.url))).json()) as {
    paths: Record<string, unknown>;
  };
  expect(Object.keys(api.paths)).toEqual(
    expect.arrayContaining(["/api/session", "/api/state", "/api/command"]),
  );
  expect((await fetch(new URL("docs/", served.url))).status).toBe(200);
});

it("survives garbage on the live socket", async () => {
  const { cookie } = await signIn(served.url, { token: operatorToken, name: "Fuzz" });
  const socket = new WebSocket(new URL("live", served.url.replace("http", "ws")), { headers: { cookie } });
  await new Promise((resolve) => socket.once("open", resolve));
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  const garbage = [
    "",
    "{",
    "[]",
    "null",
    '{"type":"command"}',
    '{"type":"command","id":1,"command":{"name":"move"}}',
    "\u0000",
  ];
  for (let i = 0; i < 40; i++) socket.send(garbage[i % garbage.length] as string);
  expect(await closed).toBe(1008);
  expect((await raw("healthz", {})).status).toBe(200);
});

it("asks for the token in the page, and says when it is wrong", async () => {
  const browser = await openBrowser();
  try {
    const page = await browser.context.newPage();
    await page.goto(served.url);
    await page.getByLabel("Token").fill("not the right token");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("the token is wrong or missing").waitFor();
    await page.getByLabel("Token").fill(operatorToken);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("connected", { exact: false }).first().waitFor();
    await page.waitForSelector("#query");
  } finally {
    await browser.close();
  }
});

it("makes who guesses tokens wait, and keeps nobody with the right one waiting", async () => {
  const statuses = await Promise.all(
    Array.from({ length: 40 }, (_, i) => signIn(served.url, { token: `wrong-${i}` })),
  );
  expect(statuses.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(10);
  expect(statuses.at(-1)?.status).toBe(429);
  const state = (token: string) =>
    fetch(new URL("api/state", served.url), { headers: { authorization: `Bearer ${token}` } });
  expect((await state("wrong-in-the-header")).status).toBe(429);
  expect((await state(viewerToken)).status).toBe(200);
  expect(await opens({ authorization: "Bearer wrong-in-the-header" })).toBe("429");
  expect(await opens({ authorization: `Bearer ${viewerToken}` })).toBe("open");
  expect((await signIn(served.url, { token: operatorToken })).status).toBe(200);
  // Right tokens in between do not give the guesser new tries.
  expect((await signIn(served.url, { token: "wrong-again" })).status).toBe(429);
  const warned = served.core.store.value.log.filter(({ text }) => text.startsWith("wrong tokens from"));
  expect(warned.length).toBe(1);
});
