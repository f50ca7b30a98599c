import type { Page } from "playwright-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import WebSocket from "ws";
import { HeldUp } from "../support/busy.js";
import { simulatedArm } from "./support/arm.js";
import { type Browser, keepScreenshot, openBrowser } from "./support/browser.js";
import { openConsole, signIn, type TestConsole } from "./support/console.js";

let browser: Browser;
let served: TestConsole;
let page: Page;
let arm: Awaited<ReturnType<typeof simulatedArm>>;

beforeEach(async () => {
  arm = await simulatedArm();
  [browser, served] = await Promise.all([openBrowser(), openConsole({ arm: arm.consoleArm })]);
  page = await browser.context.newPage();
  await page.goto(served.url);
  await page.fill("#query", "the green apple");
  await page.press("#query", "Enter");
  await page.getByRole("button", { name: "Hold to pick" }).waitFor();
});
afterEach(async () => {
  await browser?.close();
  await served?.close();
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Milliseconds that the browser takes to show anything at all, the longest of some. */
async function reaction(): Promise<number> {
  let longest = 0;
  for (let i = 0; i < 5; i++) {
    const began = performance.now();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    longest = Math.max(longest, performance.now() - began);
  }
  return longest;
}

/** What a machine at rest has to spare for it, in milliseconds. */
const atRest = 50;
let allowed = 0;
let held = new HeldUp();
afterEach(() => held.stop());

/** Presses the button and waits until the arm moves; where a busy machine lost a heartbeat, once more. */
async function press(): Promise<void> {
  allowed = Math.max(0, 2 * ((await reaction()) - atRest));
  const button = page.getByRole("button", { name: "Hold to pick" });
  for (let attempt = 0; attempt < 4; attempt++) {
    await button.waitFor();
    const at = (await button.boundingBox())!;
    await page.mouse.move(at.x + at.width / 2, at.y + at.height / 2);
    await page.mouse.down();
    const moves = await expect
      .poll(arm.speed, { timeout: 20_000, interval: 5 })
      .toBeGreaterThan(0.1)
      .then(
        () => true,
        () => false,
      );
    held.stop();
    held = new HeldUp();
    if (moves) return;
    await page.mouse.up();
  }
  throw new Error(`the arm does not move: ${served.core.log.toString()}`);
}

/** Milliseconds until no joint moves any more, less what the machine held the browser and this process up. */
async function untilStill(): Promise<number> {
  const from = performance.now();
  while (arm.speed() > 0.001) {
    if (performance.now() - from > 60_000) throw new Error("it does not stop");
    await sleep(2);
  }
  return performance.now() - from - allowed - 2 * held.ms;
}

it("picks while the button is held, to the end", async () => {
  await press();
  await keepScreenshot(page, "picking");
  await page.getByText("the object was taken").first().waitFor({ timeout: 60_000 });
  await page.mouse.up();
  expect(arm.controller.reading()?.positions.every(Number.isFinite)).toBe(true);
});

it("stops when the button is released", async () => {
  await press();
  const stopped = page.mouse.up();
  const ms = await untilStill();
  await stopped;
  console.log(`released: still after ${ms.toFixed(0)} ms`);
  expect(ms).toBeLessThan(300);
  await sleep(300);
  expect(arm.speed()).toBeLessThan(0.001);
});

it("stops when the page freezes, the tab is closed or the network is cut", async () => {
  for (const [what, cut] of [
    // A frozen page sends no heartbeat.
    ["frozen", () => void page.evaluate("{ const end = Date.now() + 1500; while (Date.now() < end); }")],
    ["cut", () => served.core.clients.drop()],
    ["closed", () => void page.close()],
  ] as const) {
    await press();
    cut();
    const ms = await untilStill();
    console.log(`${what}: still after ${ms.toFixed(0)} ms`);
    expect(ms, what).toBeLessThan(500);
    if (what === "closed") continue;
    await page.mouse.up();
    await page.waitForSelector(".dot.open");
    await expect.poll(() => arm.arm.refusal(), { timeout: 60_000 }).toBeUndefined();
    await page.getByRole("button", { name: "Hold to pick" }).waitFor();
  }
});

it("stops at the emergency stop, and moves only after its reset", async () => {
  await press();
  const pressed = page.keyboard.press("Escape");
  const ms = await untilStill();
  await pressed;
  console.log(`emergency stop: still after ${ms.toFixed(0)} ms`);
  expect(ms).toBeLessThan(300);
  await page.mouse.up();
  await page.waitForSelector(".stopped");
  expect(arm.supervisor.state).toBe("estopped");
  await page.getByRole("button", { name: "Reset" }).click();
  await page.waitForSelector("#estop");
  await expect.poll(() => arm.supervisor.state).toBe("idle");
  await page.getByRole("button", { name: "Hold to pick" }).waitFor();
  await press();
  await page.mouse.up();
  await untilStill();
});

it("jogs the tool while a button is held, the way it says", async () => {
  const height = () => {
    arm.kinematics.update(arm.controller.reading()?.positions ?? []);
    return arm.kinematics.forward(arm.controller.reading()?.positions ?? []).position[2];
  };
  await page.getByRole("tab", { name: "Jog" }).click();
  const before = height();
  const down = page.getByRole("button", { name: "down", exact: true });
  await down.scrollIntoViewIfNeeded();
  const button = (await down.boundingBox())!;
  await page.mouse.move(button.x + 5, button.y + 5);
  // The press takes the focus from another jog button: its blur must not end the new press.
  await page.getByRole("button", { name: "up", exact: true }).focus();
  await page.mouse.down();
  await expect.poll(() => before - height()).toBeGreaterThan(0.02);
  const released = page.mouse.up();
  expect(await untilStill()).toBeLessThan(400);
  await released;
  const after = height();
  await sleep(400);
  expect(height()).toBeCloseTo(after, 3);
});

it("does not move for a second operator, for garbage, or without heartbeats", async () => {
  const { cookie } = await signIn(served.url, { name: "Bo" });
  const socket = new WebSocket(new URL("live", served.url.replace("http", "ws")), { headers: { cookie } });
  const replies: { id: number; error?: { code: string } }[] = [];
  socket.on("message", (data, binary) => {
    if (!binary) replies.push(JSON.parse(String(data)));
  });
  await new Promise((resolve) => socket.once("open", resolve));
  const send = (message: object) => socket.send(JSON.stringify(message));
  const answer = served.core.queries.answers[0]?.id;
  send({ type: "command", id: 1, command: { name: "pick", answer } });
  send({ type: "command", id: 2, command: { name: "jog" } });
  for (let i = 0; i < 15; i++) {
    send({ type: "beat" });
    send({ type: "drive", linear: [0.2, 0, 0], angular: [0, 0, 0] });
    send({ type: "drive", linear: [9, 0, 0], angular: [0, 0, 0] });
    await sleep(20);
    expect(arm.speed()).toBe(0);
  }
  const code = (id: number) => replies.find((reply) => reply.id === id)?.error?.code;
  await expect.poll(() => [code(1), code(2)]).toEqual(["LEASE_HELD", "LEASE_HELD"]);
  socket.close();
});
