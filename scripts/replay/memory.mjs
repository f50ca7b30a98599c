// How much memory a replay takes on a long recording: makes a synthetic bag, replays it as a user does, and samples the
// resident memory of the process. Prints JSON, also into docs/results/replay-memory.json.
//     node scripts/replay/memory.mjs [GIGABYTES]
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { root, setUp } from "../lib/setup.mjs";

await setUp();
const { ResultWriter } = await import("../../dist/src/bags/index.js");
const { cameraInfoMessage, headerOf } = await import("../../dist/src/messages/index.js");
const gigabytes = Number(process.argv[2] ?? 5);
const folder = mkdtempSync(join(tmpdir(), "replay-memory-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Noise, which does not compress: the file is as large as its images. */
async function makeBag(path, frames, width, height) {
  const writer = await ResultWriter.create(path);
  const colour = new Uint8Array(width * height * 3);
  for (let i = 0; i < colour.length; i++) colour[i] = Math.random() * 256;
  const depth = Uint16Array.from({ length: width * height }, () => 700 + Math.random() * 100);
  const camera = { width, height, fx: width, fy: width, cx: width / 2, cy: height / 2 };
  for (let i = 0; i < frames; i++) {
    const stamp = 1_700_000_000_000_000_000n + BigInt(i) * 33_000_000n;
    const time = { stamp, frameId: "camera" };
    const header = headerOf(stamp, "camera");
    const image = { header, width, height, is_bigendian: 0 };
    colour[(i * 7919) % colour.length] ^= 1;
    await writer.message(
      "/color/camera_info",
      "sensor_msgs/msg/CameraInfo",
      time,
      cameraInfoMessage(header, camera),
    );
    await writer.message("/color/image_raw", "sensor_msgs/msg/Image", time, {
      ...image,
      encoding: "rgb8",
      step: width * 3,
      data: colour,
    });
    await writer.message("/depth/image_raw", "sensor_msgs/msg/Image", time, {
      ...image,
      encoding: "16UC1",
      step: width * 2,
      data: new Uint8Array(depth.buffer),
    });
  }
  await writer.close();
  return statSync(path).size;
}

/** Runs the replay and returns its resident megabytes as time goes on. */
async function watch(args) {
  const program = [join(root, "bin", "grasp-grounding.mjs"), "replay", ...args, "--query", "red", "--quiet"];
  const env = { ...process.env, GRASP_GROUNDING_SETUP: "skip" };
  const began = performance.now();
  const child = spawn(process.execPath, program, { stdio: ["ignore", "inherit", "inherit"], env });
  const samples = [];
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
      samples.push(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
    } catch {
      // It has just ended.
    }
  }, 100);
  const code = await new Promise((resolve) => child.once("exit", resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`replay ended with exit code ${code}`);
  const part = (from, to) => {
    const own = samples.slice(Math.floor(samples.length * from), Math.ceil(samples.length * to));
    return Math.round(own.reduce((most, each) => Math.max(most, each), 0));
  };
  return {
    seconds: Number(((performance.now() - began) / 1e3).toFixed(1)),
    peak_mb: part(0, 1),
    peak_mb_of_each_quarter: [part(0, 0.25), part(0.25, 0.5), part(0.5, 0.75), part(0.75, 1)],
  };
}

const python = process.env.GRASP_GROUNDING_PYTHON ?? join(root, ".cache", "venv", "test", "bin", "python");
const tiny = join(folder, "tiny");
if (spawnSync(python, [join(root, "bench/reference/tiny_model.py"), tiny], { stdio: "inherit" }).status !== 0)
  throw new Error("the tests' Python is needed: run `npm test` once");

const big = join(folder, "big.mcap");
const bytes = await makeBag(big, Math.round((gigabytes * 1e9) / (1280 * 720 * 3.9)), 1280, 720);
const json = join(folder, "out.jsonl");
const large = {
  gigabytes: Number((bytes / 1e9).toFixed(2)),
  ...(await watch([big, "--every", "5", "--json", json])),
};
rmSync(big);

const many = join(folder, "many.mcap");
await makeBag(many, 10_000, 160, 120);
const short = await watch([
  many,
  "--model",
  tiny,
  "--to",
  "3.3",
  "--json",
  json,
  "--report",
  join(folder, "a.html"),
]);
const long = await watch([many, "--model", tiny, "--json", json, "--report", join(folder, "b.html")]);

const result = {
  command: `node scripts/replay/memory.mjs ${gigabytes}`,
  machine: { cpu: cpus()[0]?.model.trim(), cores: availableParallelism(), node: process.versions.node },
  large_bag: { picture: "1280×720 rgb8 and 16UC1", model: "lite", every: 5, ...large },
  frames_100: short,
  frames_10000: long,
  growth_mb_from_100_to_10000: long.peak_mb - short.peak_mb,
};
writeFileSync(
  join(root, "docs", "results", "replay-memory.json"),
  `${JSON.stringify(result, undefined, 2)}\n`,
);
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
