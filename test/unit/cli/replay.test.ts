import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openBag } from "../../../src/bags/index.js";
import { type ResultJson, resultSchema } from "../../../src/pipeline/index.js";
import { sha256 } from "../../support/bags.js";
import { cli } from "../../support/cli.js";
import { repository, runPython } from "../../support/python.js";
import { type RangeServer, rangeServer } from "../../support/range-server.js";
import { imageAt, writeRawMcap } from "../../support/raw-mcap.js";

const folder = mkdtempSync(join(tmpdir(), "cli-replay-"));
const at = (name: string) => join(folder, name);
const model = ["--model", at("tiny")];
let server: RangeServer;

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [at("tiny")]);
  runPython("test/reference/make_cameras.py", [at("two.mcap")]);
  runPython("test/reference/make_cameras.py", [at("long.mcap"), "60"]);
  runPython("test/reference/make_cameras.py", [at("hour.mcap"), "160"]);
  server = await rangeServer({ folder });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const replay = (...args: string[]) => cli(["replay", ...args, ...model, "--quiet"], { cwd: folder });
const text = (name: string) => readFileSync(at(name), "utf8");
const lines = (name: string): ResultJson[] =>
  text(name)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => resultSchema.parse(JSON.parse(line)));

/** Every message of a result bag, in an order that does not depend on when it was written. */
async function messagesOf(name: string): Promise<string[]> {
  const bag = await openBag(at(name));
  const all: string[] = [];
  for await (const { topic, logTime, data } of bag.messages())
    all.push(`${logTime} ${topic} ${sha256(data)}`);
  expect(bag.damage).toEqual([]);
  await bag.close();
  return all.sort();
}

describe("what is asked", () => {
  it("is what was asked while the bag was recorded, from then on", async () => {
    const { code, stderr } = await replay(
      "two.mcap",
      "--colour",
      "/wrist/color/image_raw",
      "--json",
      "asked.jsonl",
    );
    const asked = lines("asked.jsonl").map(({ time, query }) => [Math.floor((time ?? 0) * 20), query]);
    expect(asked.filter(([, query]) => query === "red").length).toBeGreaterThan(3);
    expect(asked.filter(([, query]) => query === "the blue object").length).toBeGreaterThan(3);
    expect(asked.every(([frame]) => (frame as number) >= 3 && (frame as number) <= 14)).toBe(true);
    // One of the recorded queries holds a control character: said, and the rest is used.
    expect(stderr).toContain("1 recorded queries cannot be asked");
    expect(code).toBe(3);
  });

  it("comes from a file too, and queries are asked together", async () => {
    writeFileSync(at("sentences.txt"), "# colours\nred\n\nblue\n");
    await replay(
      "two.mcap",
      "--queries",
      "sentences.txt",
      "--query",
      "green",
      "--at",
      "0",
      "--json",
      "three.jsonl",
    );
    expect(lines("three.jsonl").map(({ query }) => query)).toEqual(["green", "red", "blue"]);
  });

  it("is needed: a bag without recorded queries is refused in one line", async () => {
    runPython("test/reference/make_odd_bag.py", [at("odd")]);
    const { code, stderr } = await replay("odd/good.mcap");
    expect(code).toBe(2);
    expect(stderr).toMatch(/there is no query.*--query/);
  });
});

describe("several cameras", () => {
  it("are answered in the order of recording, each with its own depth or none", async () => {
    const args = ["--camera", "all", "--query", "red", "--query", "blue", "--json", "cameras.jsonl"];
    expect((await replay("two.mcap", ...args, "--out", "cameras.mcap")).code).toBe(0);
    const results = lines("cameras.jsonl");
    expect(results).toHaveLength(18 * 2 * 2);
    const times = results.map(({ time }) => time ?? 0);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    const of = (topic: string, query: string) =>
      results.filter((r) => r.topic === topic && r.query === query);
    expect(of("/wrist/color/image_raw", "red").every(({ found }) => found)).toBe(true);
    expect(of("/front/color/image_raw", "blue").filter(({ found }) => found)).toHaveLength(12);
    expect(of("/wrist/color/image_raw", "red").some(({ grasp_failure: why }) => why !== undefined)).toBe(
      true,
    );
    expect(of("/front/color/image_raw", "blue").every(({ grasp_failure: why }) => why === undefined)).toBe(
      true,
    );

    const topics = JSON.parse(runPython("test/reference/list_mcap.py", [at("cameras.mcap")]));
    expect(topics["/grasp_grounding/wrist/detections"]).toEqual([
      "vision_msgs/msg/Detection2DArray",
      18,
      ["wrist_optical"],
    ]);
    expect(topics["/grasp_grounding/front/annotations"][1]).toBe(18);
    expect(topics["/grasp_grounding/wrist/markers"]).toEqual(["visualization_msgs/msg/MarkerArray", 18, []]);
  });

  it("are chosen by a part of their name", async () => {
    await replay("two.mcap", "--camera", "front", "--query", "blue", "--json", "front.jsonl");
    expect(new Set(lines("front.jsonl").map(({ topic }) => topic))).toEqual(
      new Set(["/front/color/image_raw"]),
    );
    const { code, stderr } = await replay("two.mcap", "--camera", "left", "--query", "blue");
    expect(code).toBe(1);
    expect(stderr).toContain("no topic left");
  });
});

describe("the same bag", () => {
  it("gives the same bytes, from a file and over HTTP; timings only when asked for", async () => {
    const args = ["--query", "red", "--json"];
    await replay("two.mcap", ...args, "one.jsonl");
    await replay(`${server.url}/two.mcap?X-Amz-Signature=secret`, ...args, "http.jsonl");
    expect(text("http.jsonl")).toBe(text("one.jsonl"));
    expect(text("http.jsonl")).not.toContain("secret");
    expect(lines("one.jsonl")[0]?.timings_ms).toEqual({});
    await replay("two.mcap", ...args, "timed.jsonl", "--timings");
    expect(Object.keys(lines("timed.jsonl")[0]?.timings_ms ?? {}).length).toBeGreaterThan(1);
  });

  it.each([
    [["two.mcap", "--camera", "all"], 2],
    [["two.mcap", "--every", "3"], 5],
    [["two.mcap", "long.mcap", "--every", "2", "--from", "0.1", "--to", "2.2"], 3],
    [["two.mcap", "long.mcap", "two.mcap"], 2],
  ])("in shards (%j, %i) merges to the bytes of one run", async (args, count) => {
    const asked = ["--query", "red", "--recorded"];
    await replay(...args, ...asked, "--json", "whole.jsonl");
    rmSync(at("merged.jsonl"), { force: true });
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        cli(
          [
            "replay",
            ...args,
            ...asked,
            "--json",
            "part.{shard}.jsonl",
            "--shard",
            `/${count}`,
            "--quiet",
            ...model,
          ],
          {
            cwd: folder,
            env: i % 2 === 0 ? { JOB_COMPLETION_INDEX: String(i) } : { SLURM_ARRAY_TASK_ID: String(i) },
          },
        ),
      ),
    );
    const parts = readdirSync(folder)
      .filter((name) => name.startsWith("part."))
      .reverse();
    expect(parts).toHaveLength(count);
    expect((await cli(["merge", "merged.jsonl", ...parts], { cwd: folder })).code).toBe(0);
    expect(text("merged.jsonl")).toBe(text("whole.jsonl"));
    expect(text("merged.jsonl").length).toBeGreaterThan(1000);

    rmSync(at(parts[0]!));
    const incomplete = await cli(["merge", "merged2.jsonl", ...parts.slice(1), "x"], { cwd: folder });
    expect(incomplete.code).not.toBe(0);
    expect(existsSync(at("merged2.jsonl"))).toBe(false);
    for (const name of parts.slice(1)) rmSync(at(name));
  });

  it("refuses to merge what is not complete, and says which is missing", async () => {
    for (const i of [0, 2]) writeFileSync(at(`lost.${i}-of-3.jsonl`), "{}\n");
    const { code, stderr } = await cli(["merge", "lost.jsonl", "lost.0-of-3.jsonl", "lost.2-of-3.jsonl"], {
      cwd: folder,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("1-of-3");
  });

  it("in shards of result bags merges to the messages of one run", async () => {
    const args = ["two.mcap", "--query", "red", "--copy"];
    await replay(...args, "--out", "whole.mcap");
    for (const i of [0, 1, 2]) await replay(...args, "--out", "bag.{shard}.mcap", "--shard", `${i}/3`);
    const parts = [0, 1, 2].map((i) => `bag.${i}-of-3.mcap`);
    expect((await cli(["merge", "merged.mcap", ...parts], { cwd: folder })).code).toBe(0);
    expect(await messagesOf("merged.mcap")).toEqual(await messagesOf("whole.mcap"));
  });
});

it("a cut keeps what was latched before it", async () => {
  const start = 5_000_000_000n;
  const transform = {
    header: { stamp: { sec: 5, nanosec: 0 }, frame_id: "base" },
    child_frame_id: "camera",
    transform: { translation: { x: 1, y: 0, z: 0 }, rotation: { x: 0, y: 0, z: 0, w: 1 } },
  };
  const messages = [
    {
      topic: "/tf_static",
      type: "tf2_msgs/msg/TFMessage",
      time: start,
      message: { transforms: [transform] },
    },
    ...Array.from({ length: 20 }, (_, i) => imageAt(start + BigInt(i) * 100_000_000n)),
  ];
  await writeRawMcap(at("static.mcap"), messages);
  const { code } = await replay(
    "static.mcap",
    "--query",
    "red",
    "--from",
    "1",
    "--copy",
    "--out",
    "cut.mcap",
  );
  expect(code).toBe(0);
  const bag = await openBag(at("cut.mcap"));
  const topics = new Map(bag.topics.map(({ name, count }) => [name, count]));
  expect([topics.get("/tf_static"), topics.get("/camera/image_raw")]).toEqual([1, 10]);
  for await (const { logTime } of bag.messages({ topics: ["/tf_static"] }))
    expect(logTime).toBe(6_000_000_000n);
  await bag.close();
});

/** Starts a replay and stops it by a signal when some frames are written. */
async function stopped(
  name: string,
  signal: NodeJS.Signals,
  more: readonly string[],
): Promise<number | null> {
  const args = [
    "replay",
    ...["hour.mcap", "--colour", "/wrist/color/image_raw", "--query", "red", "--copy"],
    ...["--json", `${name}.jsonl`, "--out", `${name}.mcap`, "--quiet", ...model, ...more],
  ];
  const child = spawn(process.execPath, [join(repository, "bin", "grasp-grounding.mjs"), ...args], {
    cwd: folder,
    stdio: "ignore",
    env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" },
  });
  const part = at(`${name}.jsonl.part`);
  while (child.exitCode === null && !(existsSync(part) && statSync(part).size > 5000)) await sleep(20);
  child.kill(signal);
  return await new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}

describe("a replay that is stopped", () => {
  const whole = ["hour.mcap", "--colour", "/wrist/color/image_raw", "--query", "red", "--copy"];

  it("by Ctrl-C leaves whole files, and --resume makes them what an undisturbed run writes", async () => {
    await replay(...whole, "--json", "calm.jsonl", "--out", "calm.mcap");
    expect(await stopped("stopped", "SIGINT", [])).toBe(130);
    const before = lines("stopped.jsonl").length;
    expect(before).toBeGreaterThan(2);
    expect(before).toBeLessThan(160);
    expect((await messagesOf("stopped.mcap")).length).toBeGreaterThan(before * 6);

    const { code, stderr } = await replay(
      ...whole,
      "--json",
      "stopped.jsonl",
      "--out",
      "stopped.mcap",
      "--resume",
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(text("stopped.jsonl")).toBe(text("calm.jsonl"));
    expect(await messagesOf("stopped.mcap")).toEqual(await messagesOf("calm.mcap"));
    expect(readdirSync(folder).filter((name) => /part|previous/.test(name))).toEqual([]);
  });

  it("by a kill goes on from what was whole", async () => {
    expect(await stopped("killed", "SIGKILL", [])).toBe(null);
    expect(existsSync(at("killed.jsonl"))).toBe(false);
    const { code } = await replay(...whole, "--json", "killed.jsonl", "--out", "killed.mcap", "--resume");
    expect(code).toBe(0);
    expect(text("killed.jsonl")).toBe(text("calm.jsonl"));
    expect(await messagesOf("killed.mcap")).toEqual(await messagesOf("calm.mcap"));
  });

  it("is not resumed with another question", async () => {
    const { code, stderr } = await replay("hour.mcap", "--query", "blue", "--json", "calm.jsonl", "--resume");
    expect(code).toBe(2);
    expect(stderr).toContain("cannot be resumed");
    expect(lines("calm.jsonl")).toHaveLength(160);
  });

  it("starts anew when there is nothing to resume", async () => {
    expect((await replay(...whole, "--to", "0.2", "--json", "new.jsonl", "--resume")).code).toBe(0);
    expect(lines("new.jsonl").length).toBeGreaterThan(2);
  });
});

describe("images and pages", () => {
  it("a report holds everything it shows, and a contact sheet many frames", async () => {
    const args = ["--camera", "front", "--query", "blue", "--query", '<b>"red"</b>'];
    const { code } = await replay(
      "two.mcap",
      ...args,
      "--report",
      "report.html",
      "--contact-sheet",
      "sheet.jpg",
    );
    expect(code).toBe(0);
    const html = text("report.html");
    expect(html).not.toMatch(/(src|href)="(?!data:|#)/);
    expect(html).not.toContain('<b>"red"</b>');
    expect(html.match(/<figure/g)).toHaveLength(18);
    expect(html).toContain("“blue” lost");
    const { width = 0, height = 0, format } = await sharp(at("sheet.jpg")).metadata();
    expect([format, width > 1500, height > 800]).toEqual(["jpeg", true, true]);
  });

  it("a comparison shows where two settings differ, the most different first", async () => {
    // Above 0.9999 nothing is found.
    const args = [
      "--camera",
      "front",
      "--query",
      "blue",
      "--compare",
      at("tiny"),
      `${at("tiny")},threshold=0.99999`,
    ];
    const outputs = ["--json", "compare.jsonl", "--report", "compare.html", "--overlay", "worst.jpg"];
    outputs.push("--contact-sheet", "differing.png");
    const { code, stderr } = await cli(["replay", "two.mcap", ...args, ...outputs], { cwd: folder });
    expect([code, stderr.includes("Error")]).toEqual([0, false]);
    const pairs = text("compare.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(pairs).toHaveLength(18);
    expect(pairs.filter(({ a, b }) => a.found && !b.found && true)).toHaveLength(12);
    expect(pairs.filter(({ agreement }) => agreement === 1)).toHaveLength(6);
    expect(text("compare.html").match(/<figure/g)).toHaveLength(12);
    expect((await sharp(at("worst.jpg")).metadata()).width).toBe(966);
    const sheet = await sharp(at("differing.png")).metadata();
    expect([sheet.format, sheet.width]).toEqual(["png", 978]);
    expect(sheet.height).toBeGreaterThan(12 * 200);
  });

  it("two equal settings agree everywhere", async () => {
    const args = ["--query", "blue", "--compare", at("tiny"), at("tiny"), "two.mcap"];
    const { code, stdout } = await cli(["replay", ...args], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/blue +18 +\d+ +\d+ +0 +0/);
  });
});

describe("several bags", () => {
  it("are answered one after the other; one that is none is said, and the others are used", async () => {
    writeFileSync(at("broken.mcap"), "no bag");
    const { code, stderr } = await replay(
      "two.mcap",
      "broken.mcap",
      "long.mcap",
      "--query",
      "red",
      "--json",
      "all.jsonl",
    );
    expect(code).toBe(3);
    expect(stderr).toContain("broken.mcap");
    expect(new Set(lines("all.jsonl").map(({ source }) => source))).toEqual(
      new Set(["two.mcap", "long.mcap"]),
    );
  });
});
