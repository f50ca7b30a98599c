// Measures the console's goals on this machine, next to a replay of the demo: the live image from the source to the
// screens of real browsers, memory with one client stalled, first load, and stops. Writes docs/results/console.json.
//     node --expose-gc scripts/console/measure.mjs [--minutes 10] [--out FILE]
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { chromium } from "playwright-core";
import sharp from "sharp";
import WebSocket from "ws";
import { root, setUp } from "../lib/setup.mjs";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    out: { type: "string", default: join(root, "docs", "results", "console.json") },
  },
});
await setUp();
const from = (path) => import(join(root, "dist", "src", path));
const { openBag, rgbdFrames } = await from("bags/index.js");
const { startConsole } = await from("console/index.js");
const { GraspPipeline } = await from("pipeline/index.js");
const { demoArm } = await from("cli/console/demo-arm.js");
const demo = join(root, "demo", "demo.mcap");
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const quantile = (list, q) =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))];
const round = (value, digits = 1) => Math.round(value * 10 ** digits) / 10 ** digits;

/** The demo's images at 1280×720, 15 a second, as a camera gives them. */
async function camera() {
  const bag = await openBag(demo);
  const images = [];
  for await (const handle of await rgbdFrames(bag)) {
    const { colour } = await handle.load();
    const raw = { width: colour.width, height: colour.height, channels: 3 };
    const data = await sharp(colour.data, { raw }).resize(1280, 720, { fit: "fill" }).raw().toBuffer();
    images.push({ width: 1280, height: 720, data });
  }
  await bag.close();
  let timer;
  return {
    kind: "live",
    name: "camera",
    dropped: 0,
    problems: [],
    start(listener) {
      let count = 0;
      timer = setInterval(() => {
        const colour = images[count++ % images.length];
        listener.frame({
          frame: { stamp: BigInt(Date.now()) * 1_000_000n, frameId: "camera_color_optical_frame", colour },
        });
      }, 1000 / 15);
    },
    close: async () => clearInterval(timer),
  };
}

const grounder = {
  model: "none",
  ground: async () => [],
  close: async () => undefined,
};

const arm = await demoArm(demo);
const served = await startConsole({
  source: await camera(),
  pipeline: new GraspPipeline({ grounder }),
  arm,
  port: 0,
  environment: {},
});

/** A replay of the recording in another process, where its load on this one shows. */
const replay = new Worker(
  `const { workerData } = require("node:worker_threads");
   const { spawn } = require("node:child_process");
   let child;
   const again = () => {
     child = spawn(process.execPath, workerData.args, { stdio: "ignore", env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" } });
     child.once("exit", again);
   };
   again();
   require("node:worker_threads").parentPort.on("message", () => { child.removeAllListeners("exit"); child.kill(); process.exit(0); });`,
  {
    eval: true,
    workerData: {
      args: [join(root, "bin", "grasp-grounding.mjs"), "replay", demo, "--query", "the red mug on the left"],
    },
  },
);

const profile = mkdtempSync(join(tmpdir(), "console-measure-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1280, height: 800 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});

/** What a browser fetches to show the page at first, and how long until the question can be typed. */
async function firstLoad() {
  const assets = join(root, "dist", "console", "web");
  const files = ["index.html", ...readdirSync(join(assets, "assets")).map((name) => join("assets", name))];
  const sizes = Object.fromEntries(
    files.map((name) => [name, gzipSync(readFileSync(join(assets, name))).length]),
  );
  const times = [];
  const fetched = new Set();
  for (let i = 0; i < 7; i++) {
    const page = await browser.newPage();
    page.on("response", (answer) => fetched.add(new URL(answer.url()).pathname.slice(1) || "index.html"));
    const began = performance.now();
    await page.goto(served.url);
    await page.waitForSelector("#query:not([disabled])");
    times.push(performance.now() - began);
    await page.close();
  }
  const first = Object.entries(sizes).filter(([name]) => fetched.has(name));
  return {
    gzip_kB: round(first.reduce((sum, [, size]) => sum + size, 0) / 1000),
    with_3d_kB: round(Object.values(sizes).reduce((sum, size) => sum + size, 0) / 1000),
    interactive_ms: { p50: round(quantile(times, 0.5), 0), max: round(Math.max(...times), 0) },
  };
}

const signIn = async () =>
  (
    await fetch(new URL("api/session", served.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    })
  ).headers
    .get("set-cookie")
    .split(";")[0];

/** A client that receives images and never shows one. */
async function stalledClient() {
  const socket = new WebSocket(new URL("live", served.url.replace("http", "ws")), {
    headers: { cookie: await signIn() },
  });
  await new Promise((resolve) => socket.once("open", resolve));
  let images = 0;
  socket.on("message", (_, binary) => {
    if (binary) images++;
  });
  return { close: () => socket.terminate(), images: () => images };
}

/** Latency from source to screen in five browser pages, by the stamp of the source: the same clock. */
async function liveLatency(minutes) {
  const pages = [];
  for (let i = 0; i < 5; i++) {
    const page = await browser.newPage();
    await page.addInitScript(() => {
      globalThis.shown = [];
      const { drawImage } = CanvasRenderingContext2D.prototype;
      // The page parses an image's header with JSON.parse and decodes its JPEG right after; it draws the newest of those
      // that wait.
      const { parse } = JSON;
      const decode = globalThis.createImageBitmap;
      const stamps = new WeakMap();
      let stamp;
      JSON.parse = (text, ...rest) => {
        const value = parse(text, ...rest);
        if (value?.stamp !== undefined && value.seq !== undefined)
          stamp = Number(BigInt(value.stamp) / 1000000n);
        return value;
      };
      globalThis.createImageBitmap = async (...args) => {
        const mine = stamp;
        const bitmap = await decode.apply(globalThis, args);
        stamps.set(bitmap, mine);
        return bitmap;
      };
      CanvasRenderingContext2D.prototype.drawImage = function (...args) {
        drawImage.apply(this, args);
        const stamp = stamps.get(args[0]);
        if (stamp === undefined) return;
        stamps.delete(args[0]);
        // On the screen with the next frame that the browser composes.
        requestAnimationFrame(() => globalThis.shown.push(Date.now() - stamp));
      };
    });
    await page.goto(served.url);
    pages.push(page);
  }
  const stalled = await stalledClient();
  await sleep(5000);
  for (const page of pages) await page.evaluate(() => globalThis.shown.splice(0));
  const memory = [];
  const latencies = [];
  const began = performance.now();
  const cpu = process.cpuUsage();
  while (performance.now() - began < minutes * 60_000) {
    await sleep(5000);
    for (const page of pages) latencies.push(...(await page.evaluate(() => globalThis.shown.splice(0))));
    globalThis.gc?.();
    const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
    memory.push({
      at: (performance.now() - began) / 1000,
      used: (heapUsed + arrayBuffers) / 2 ** 20,
      rss: rss / 2 ** 20,
    });
  }
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  for (const page of pages) await page.close();
  const held = stalled.images();
  stalled.close();
  const third = Math.max(1, Math.floor(memory.length / 3));
  const mean = (list, key) => list.reduce((sum, each) => sum + each[key], 0) / list.length;
  return {
    to_screen_ms: {
      p50: round(quantile(latencies, 0.5)),
      p95: round(quantile(latencies, 0.95)),
      pictures: latencies.length,
    },
    pictures_a_second_each: round(latencies.length / seconds / 5),
    server_cpu_percent_of_a_core: round((user + system) / seconds / 1e4, 0),
    memory_MiB: {
      seconds: round(seconds, 0),
      first_third: round(mean(memory.slice(0, third), "used")),
      last_third: round(mean(memory.slice(-third), "used")),
      rss_first_third: round(mean(memory.slice(0, third), "rss")),
      rss_last_third: round(mean(memory.slice(-third), "rss")),
    },
    stalled_client_was_sent_pictures: held,
  };
}

/** From the event to the last joint at rest, with the simulated arm jogged from a page. */
async function stops() {
  const page = await browser.newPage();
  await page.goto(served.url);
  await page.waitForSelector("#query:not([disabled])");
  await page.getByRole("tab", { name: "Jog" }).click();
  const directions = ["left", "right"].map((name) => page.getByRole("button", { name, exact: true }));
  await directions[0].scrollIntoViewIfNeeded();
  const joints = () => arm.reading().positions;
  const moving = async () => {
    const [a, t] = [joints(), 4];
    await sleep(t);
    return joints().some((q, i) => Math.abs(q - a[i]) > 1e-5);
  };
  /** Holds a button until the arm moves: the other direction where one has come to its limit. */
  const hold = async () => {
    for (let attempt = 0; attempt < 6; attempt++) {
      directions.reverse();
      const box = await directions[0].boundingBox();
      await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
      await page.mouse.down();
      for (let i = 0; i < 400; i++) if (await moving()) return;
      await page.mouse.up();
    }
    throw new Error(`the arm does not move: ${await page.locator("body").innerText()}`);
  };
  const run = async (end) => {
    await hold();
    const began = Date.now();
    const ended = end();
    while (await moving());
    const still = Date.now();
    // The page itself reports when it froze: the driver's command path is not the operator's.
    const from = (await ended) ?? began;
    await page.mouse.up();
    await sleep(1200);
    return still - from;
  };
  const sample = async (end) => {
    const list = [];
    for (let i = 0; i < 10; i++) list.push(await run(end));
    return { p50: round(quantile(list, 0.5), 0), max: round(Math.max(...list), 0) };
  };
  const result = {
    released_ms: await sample(() => page.mouse.up()),
    frozen_page_ms: await sample(() =>
      page.evaluate(() => {
        const at = Date.now();
        while (Date.now() - at < 900);
        return at;
      }),
    ),
    connection_cut_ms: await sample(async () => {
      served.core.clients.drop();
      await page.waitForSelector(".dot.open");
    }),
  };
  await page.close();
  return result;
}

const result = {
  command: `node --expose-gc scripts/console/measure.mjs --minutes ${values.minutes}`,
  commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root }).toString().trim(),
  machine: {
    cores: cpus().length,
    model: cpus()[0]?.model,
    load_before: loadavg().map((each) => round(each)),
  },
  first_load: await firstLoad(),
  stops: await stops(),
  live: await liveLatency(Number(values.minutes)),
};
replay.postMessage("end");
await browser.close();
await served.close();
result.machine.load_after = loadavg().map((each) => round(each));
mkdirSync(dirname(values.out), { recursive: true });
writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
rmSync(profile, { recursive: true, force: true });
process.exit(0);
