import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { boxIou } from "../../../src/geometry/index.js";
import { resultSchema } from "../../../src/pipeline/index.js";
import { cli } from "../../support/cli.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "cli-"));
const at = (name: string) => join(folder, name);
const model = ["--model", at("tiny")];
const bag = (kind: string) => join(folder, "bags", `${kind}.mcap`);

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [at("tiny")]);
  runPython("bench/reference/tiny_model.py", [at("damaged")]);
  writeFileSync(join(at("damaged"), "encoder.onnx"), "not the encoder");
  runPython("test/reference/make_odd_bag.py", [at("bags")]);
  const scene = image(200, 100, grey, [
    [[40, 20, 80, 60], red],
    [[140, 40, 180, 80], blue],
  ]);
  await sharp(scene.data, { raw: { width: 200, height: 100, channels: 3 } })
    .png()
    .toFile(at("scene.png"));
  const tiny = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  writeFileSync(at("one.png"), tiny);
  await sharp({ create: { width: 20_000, height: 20, channels: 3, background: "red" } })
    .png()
    .toFile(at("wide.png"));
  writeFileSync(at("text.png"), "this is no image");
  writeFileSync(at("empty.png"), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** One line that begins with the program's name and names no stack frame. */
function expectOneClearLine(stderr: string): void {
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/^grasp-grounding: .*; ./);
  expect(stderr).not.toMatch(/\n\s+at /);
}

describe("ground", () => {
  it("prints one result by the schema, and an array for several queries", async () => {
    const one = await cli(["ground", "--image", at("scene.png"), "--query", "red", ...model, "--json"]);
    expect(one.code).toBe(0);
    const result = resultSchema.parse(JSON.parse(one.stdout));
    expect(boxIou(result.detections[0]?.box ?? [0, 0, 0, 0], [40, 20, 80, 60])).toBeGreaterThan(0.8);
    const two = await cli([
      "ground",
      "--image",
      at("scene.png"),
      "--query",
      "blue",
      "--query",
      "green",
      ...model,
      "--json",
    ]);
    const results = resultSchema.array().parse(JSON.parse(two.stdout));
    expect(results.map((r) => [r.query, r.found])).toEqual([
      ["blue", true],
      ["green", false],
    ]);
  });

  it("writes an overlay of the image's size and the heat map NumPy reads", async () => {
    const files = ["--overlay", at("overlay.png"), "--heatmap", at("heat.npy")];
    const { code } = await cli(["ground", "--image", at("scene.png"), "--query", "red", ...model, ...files]);
    expect(code).toBe(0);
    expect(await sharp(at("overlay.png")).metadata()).toMatchObject({ width: 200, height: 100 });
    const [shape, dtype, inside, outside] = JSON.parse(
      runPython("test/reference/read_npy.py", [at("heat.npy"), "0.30", "0.40", "0.50", "0.90"]),
    );
    expect([shape, dtype]).toEqual([[32, 32], "float32"]);
    expect(inside).toBeGreaterThan(0.9);
    expect(outside).toBeLessThan(0.01);
  });

  it.each([
    ["a missing file", ["--image", "nowhere.png", "--query", "red"], 1],
    ["a folder", ["--image", ".", "--query", "red"], 1],
    ["text named .png", ["--image", "text.png", "--query", "red"], 1],
    ["an empty file", ["--image", "empty.png", "--query", "red"], 1],
    ["one pixel", ["--image", "one.png", "--query", "red"], 1],
    ["20,000 pixels a side", ["--image", "wide.png", "--query", "red"], 1],
    ["an empty query", ["--image", "scene.png", "--query", ""], 2],
    ["a query of 10,000 characters", ["--image", "scene.png", "--query", "x".repeat(10_000)], 2],
    ["control characters", ["--image", "scene.png", "--query", "red\u0007mug"], 2],
    ["depth without camera", ["--image", "scene.png", "--query", "red", "--depth", "scene.png"], 1],
    ["a threshold out of range", ["--image", "scene.png", "--query", "red", "--threshold", "7"], 2],
  ])("refuses %s in one line and writes nothing", async (_, args, wanted) => {
    const outputs = ["--overlay", "never.png", "--heatmap", "never.npy"];
    const { code, stdout, stderr } = await cli(["ground", ...args, ...model, ...outputs], { cwd: folder });
    expect(code).toBe(wanted);
    expect(stdout).toBe("");
    expectOneClearLine(stderr);
    expect(readdirSync(folder).filter((name) => name.startsWith("never"))).toEqual([]);
  });

  it("refuses a model whose file was changed, and one that is not there", async () => {
    const changed = await cli([
      "ground",
      "--image",
      at("scene.png"),
      "--query",
      "red",
      "--model",
      at("damaged"),
    ]);
    expect(changed.code).toBe(1);
    expect(changed.stderr).toContain("SHA-256");
    expectOneClearLine(changed.stderr);
    const absent = await cli(["ground", "--image", at("scene.png"), "--query", "red", "--model", "nosuch"]);
    expect(absent.code).toBe(1);
    expectOneClearLine(absent.stderr);
  });

  it("exits with 2 on wrong usage and 0 on --help", async () => {
    expect((await cli(["ground"])).code).toBe(2);
    expect((await cli(["ground", "--nonsense"])).code).toBe(2);
    expect((await cli(["nonsense"])).code).toBe(2);
    expect((await cli(["--help"])).code).toBe(0);
  });
});

describe("replay", () => {
  const run = (kind: string, ...args: string[]) =>
    cli(["replay", bag(kind), "--query", "red", ...model, ...args], { cwd: folder });
  const lines = (name: string) =>
    readFileSync(at(name), "utf8")
      .trim()
      .split("\n")
      .map((line) => resultSchema.parse(JSON.parse(line)));

  it("answers for each frame, with stamps, and writes the same bytes twice", async () => {
    expect((await run("good", "--json", "a.jsonl", "--no-timings")).code).toBe(0);
    expect((await run("good", "--json", "b.jsonl", "--no-timings")).code).toBe(0);
    expect(readFileSync(at("a.jsonl"), "utf8")).toBe(readFileSync(at("b.jsonl"), "utf8"));
    const results = lines("a.jsonl");
    expect(results.map((r) => r.stamp)).toEqual([
      "100000000000",
      "100050000000",
      "100100000000",
      "100150000000",
    ]);
    for (const r of results)
      expect(boxIou(r.detections[0]?.box ?? [0, 0, 0, 0], [60, 40, 100, 80])).toBeGreaterThan(0.7);
  });

  it("seeks and skips", async () => {
    expect((await run("good", "--json", "at.jsonl", "--at", "0.1")).code).toBe(0);
    expect(lines("at.jsonl").map((r) => r.stamp)).toEqual(["100100000000"]);
    expect((await run("good", "--json", "every.jsonl", "--every", "3")).code).toBe(0);
    expect(lines("every.jsonl")).toHaveLength(2);
    const beyond = await run("good", "--json", "beyond.jsonl", "--at", "99");
    expect(beyond.code).toBe(1);
    expectOneClearLine(beyond.stderr);
  });

  it.each([
    ["no-image", 1],
    ["no-info", 1],
    ["unknown-encoding", 1],
    ["uncalibrated", 1],
    ["missing", 1],
  ])("refuses %s in one line and leaves no file", async (kind, wanted) => {
    const { code, stderr } = await run(
      kind,
      "--json",
      "never.jsonl",
      "--out",
      "never.mcap",
      "--overlay",
      "never.png",
      "--quiet",
    );
    expect(code).toBe(wanted);
    expectOneClearLine(stderr);
    expect(readdirSync(folder).filter((name) => name.includes("never"))).toEqual([]);
  });

  it.each(["nan-depth", "zero-depth"])(
    "with %s finds the object and says why there is no grasp",
    async (kind) => {
      expect((await run(kind, "--json", `${kind}.jsonl`)).code).toBe(0);
      for (const r of lines(`${kind}.jsonl`)) {
        expect(r.found).toBe(true);
        expect(r.grasps).toEqual([]);
        expect(r.grasp_failure).toMatch(/depth/);
      }
    },
  );

  it("goes on past a bad image, says so, and exits with 3", async () => {
    const { code, stderr } = await run("one-bad-picture", "--json", "partial.jsonl", "--quiet");
    expect(code).toBe(3);
    expect(stderr).toContain("1 frames could not be used");
    expect(lines("partial.jsonl")).toHaveLength(3);
  });

  it("reads a truncated bag up to where it is good, says so, and exits with 3", async () => {
    writeFileSync(bag("cut"), readFileSync(bag("good")));
    truncateSync(bag("cut"), Math.floor(statSync(bag("good")).size * 0.6));
    const { code, stderr } = await run("cut", "--json", "cut.jsonl", "--quiet");
    expect([1, 3]).toContain(code);
    expect(stderr).toMatch(/truncat|cut|damaged|ends/i);
  });
});

describe("eval", () => {
  it("scores a data set by category", async () => {
    const rows = [
      { image: "scene.png", query: "the red cup", box: [40, 20, 80, 60], kind: "colour" },
      { image: "scene.png", query: "blue", box: [140, 40, 180, 80], kind: "colour" },
      { image: "scene.png", query: "blue", box: [0, 0, 20, 20], kind: "wrong" },
      { image: "scene.png", query: "green", absent: true, kind: "absent" },
    ];
    writeFileSync(at("set.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const { code, stdout } = await cli(["eval", at("set.jsonl"), "--json", ...model]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ n: 4, found_rate: 1, false_find_rate: 0 });
    expect(report.by_category.kind.colour.precision_at["0.5"]).toBe(1);
    expect(report.by_category.kind.wrong.mean_iou).toBe(0);
    expect(report.rows).toHaveLength(4);
  });

  it("names the line that is wrong", async () => {
    writeFileSync(
      at("bad.jsonl"),
      '{"image":"scene.png","query":"red","box":[0,0,1,1]}\n{"image":"scene.png"}\n',
    );
    const { code, stderr } = await cli(["eval", at("bad.jsonl"), ...model]);
    expect(code).toBe(1);
    expect(stderr).toContain("bad.jsonl:2");
    expectOneClearLine(stderr);
  });
});

describe("doctor", () => {
  it("lists checks with a remedy for each that is not ok", async () => {
    const { stdout } = await cli(["doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; remedy?: string }[] };
    expect(checks.map((c) => c.name)).toEqual(
      expect.arrayContaining(["Node.js", "ONNX Runtime", "sharp", "ROS 2"]),
    );
    for (const check of checks) if (check.status !== "ok") expect(check.remedy).toBeTruthy();
  });
});
