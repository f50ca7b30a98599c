import { afterAll, beforeAll, expect, it } from "vitest";
import WebSocket from "ws";
import type { FrameHeader, ServerMessage } from "../../src/console/protocol.js";
import { HeldUp } from "../support/busy.js";
import { openBrowser } from "./support/browser.js";
import { command, openConsole, serveSource, signIn, type TestConsole } from "./support/console.js";
import { LiveSource } from "./support/live-source.js";

let served: TestConsole;
let cookie: string;

beforeAll(async () => {
  served = await openConsole({ paused: false });
  ({ cookie } = await signIn(served.url));
  // The recording has five images a second; at three times its speed there are fifteen.
  await command(served.url, cookie, { name: "rate", rate: 3 });
});
afterAll(() => served?.close());

interface Viewer {
  readonly headers: (FrameHeader & { readonly bytes: number; readonly at: number })[];
  readonly messages: ServerMessage[];
  readonly socket: WebSocket;
  /** While false no image is acknowledged. */
  shows: boolean;
}

async function watch(width = 640, at = { url: served.url, cookie }): Promise<Viewer> {
  const socket = new WebSocket(new URL("live", at.url.replace("http", "ws")), {
    headers: { cookie: at.cookie },
  });
  const viewer: Viewer = { headers: [], messages: [], socket, shows: true };
  socket.on("message", (data: Buffer, binary) => {
    if (!binary) {
      viewer.messages.push(JSON.parse(String(data)) as ServerMessage);
      return;
    }
    const length = data.readUInt32LE(0);
    const header = JSON.parse(data.subarray(4, 4 + length).toString()) as FrameHeader;
    expect([...data.subarray(4 + length, 6 + length)]).toEqual([0xff, 0xd8]);
    viewer.headers.push({ ...header, bytes: data.length, at: performance.now() });
    if (viewer.shows) socket.send(JSON.stringify({ type: "ack", seq: header.seq }));
  });
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send(JSON.stringify({ type: "view", width }));
  return viewer;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("begins with the whole state, then tells only what changed", async () => {
  const viewer = await watch();
  await expect.poll(() => viewer.headers.length).toBeGreaterThan(3);
  const [hello] = viewer.messages;
  expect(hello).toMatchObject({
    type: "hello",
    you: { role: "operator" },
    state: { source: { name: "demo.mcap" } },
  });
  const deltas = viewer.messages.filter((message) => message.type === "state");
  expect(deltas.length).toBeGreaterThan(0);
  for (const { state } of deltas) expect(Object.keys(state)).not.toContain("source");
  viewer.socket.close();
});

it("serves five clients at the camera's rate and stays bounded with a sixth that is stalled", async () => {
  const viewers = await Promise.all(Array.from({ length: 5 }, () => watch()));
  const stalled = await watch();
  stalled.shows = false;
  await wait(1500);
  for (const viewer of viewers) viewer.headers.length = 0;
  const before = process.memoryUsage();
  const held = new HeldUp();
  await wait(6000);
  const lost = held.stop();
  const after = process.memoryUsage();
  for (const { headers } of viewers) {
    // Fifteen a second, less what a busy machine costs.
    expect(headers.length).toBeGreaterThan(45 * Math.max(0.1, 1 - lost / 6000));
    const stamps = headers.map(({ seq }) => seq);
    expect(stamps).toEqual([...stamps].sort((a, b) => a - b));
  }
  const ages = viewers.flatMap(({ headers }) => headers.map(({ age }) => age)).sort((a, b) => a - b);
  const p50 = ages[ages.length >> 1] as number;
  console.log(
    `image to socket p50 ${p50} ms, p95 ${ages[Math.floor(ages.length * 0.95)]} ms, ${ages.length / 6 / 5} a second`,
  );
  expect(p50).toBeLessThan(120 + lost / 10);
  expect(stalled.headers.length).toBeLessThanOrEqual(4);
  const grown = (after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed) / 2 ** 20;
  expect(grown).toBeLessThan(100);
  // It gets the present image when it comes back, not what it missed.
  stalled.shows = true;
  stalled.socket.send(JSON.stringify({ type: "ack", seq: stalled.headers.at(-1)?.seq ?? 0 }));
  const newest = viewers[0]?.headers.at(-1)?.seq ?? 0;
  await expect.poll(() => stalled.headers.at(-1)?.seq ?? 0).toBeGreaterThanOrEqual(newest);
  for (const { socket } of [...viewers, stalled]) socket.close();
});

it("sends smaller images to smaller screens, and none to hidden ones", async () => {
  const [large, small, hidden] = await Promise.all([watch(1280), watch(300), watch(0)]);
  await expect.poll(() => Math.min(large.headers.length, small.headers.length)).toBeGreaterThan(5);
  const mean = ({ headers }: Viewer) =>
    headers.slice(2).reduce((sum, { bytes }) => sum + bytes, 0) / (headers.length - 2);
  expect(mean(small)).toBeLessThan(mean(large) / 2);
  hidden.headers.length = 0;
  await wait(500);
  expect(hidden.headers).toEqual([]);
  for (const { socket } of [large, small, hidden]) socket.close();
});

it("answers while images run, and follows a query from image to image", async () => {
  const viewer = await watch();
  viewer.socket.send(
    JSON.stringify({ type: "command", id: 7, command: { name: "follow", query: "the blue mug" } }),
  );
  const stamps = () =>
    viewer.messages.flatMap((message) =>
      message.type === "answers" ? (message.answers[0]?.stamp ?? []) : [],
    );
  await expect.poll(() => new Set(stamps()).size, { timeout: 60_000 }).toBeGreaterThan(2);
  viewer.socket.send(JSON.stringify({ type: "command", id: 8, command: { name: "follow" } }));
  await expect.poll(() => served.core.store.value.follow).toBeUndefined();
  expect(viewer.messages).toContainEqual(expect.objectContaining({ type: "reply", id: 7, ok: true }));
  viewer.socket.close();
});

it("serves a live camera of 1280×720 at fifteen a second to five clients, one more stalled", async () => {
  const live = await serveSource(await LiveSource.create(1280, 720, 15));
  try {
    const at = { url: live.url, cookie: (await signIn(live.url)).cookie };
    const viewers = await Promise.all(Array.from({ length: 5 }, () => watch(1280, at)));
    const stalled = await watch(1280, at);
    stalled.shows = false;
    await wait(1500);
    for (const { headers } of viewers) headers.length = 0;
    const cpu = process.cpuUsage();
    const held = new HeldUp();
    await wait(5000);
    const lost = held.stop();
    const { user, system } = process.cpuUsage(cpu);
    const ages = viewers.flatMap(({ headers }) => headers.map(({ age }) => age)).sort((a, b) => a - b);
    const p50 = ages[ages.length >> 1] as number;
    const rate = ages.length / 25;
    console.log(
      `1280×720: ${rate.toFixed(1)} a second, p50 ${p50} ms to the socket, ${((user + system) / 5e4).toFixed(0)} % of a core with the clients`,
    );
    expect(p50).toBeLessThan(120 + lost / 10);
    expect(rate).toBeGreaterThan(9 * Math.max(0.1, 1 - lost / 5000));
    expect(stalled.headers.length).toBeLessThanOrEqual(4);
    const refused = await command(live.url, at.cookie, { name: "play" });
    expect([refused.status, refused.body.error?.code]).toEqual([409, "CONSOLE_NO_RECORDING"]);
    for (const { socket } of [...viewers, stalled]) socket.close();
  } finally {
    await live.close();
  }
});

it("says that a camera was unplugged, over the image that stands still", async () => {
  const source = await LiveSource.create(640, 480, 10);
  const live = await serveSource(source);
  const browser = await openBrowser();
  try {
    const page = await browser.context.newPage();
    await page.goto(live.url);
    await page.waitForFunction(() => (document.querySelector<HTMLCanvasElement>("#image")?.width ?? 0) > 300);
    source.unplug();
    await page.getByText(/^No new image for \d+ s: check the camera\.$/).waitFor();
    const images = live.core.store.value.health.find(({ name }) => name === "images");
    expect(images).toMatchObject({ level: "error", text: expect.stringMatching(/^none for \d+ s/) });
  } finally {
    await browser.close();
    await live.close();
  }
});
