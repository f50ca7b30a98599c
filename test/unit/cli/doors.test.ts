import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resultSchema } from "../../../src/pipeline/index.js";
import { cli } from "../../support/cli.js";
import { blue, grey, picture as image, red } from "../../support/images.js";
import { runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "cli-doors-"));
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  runPython("bench/reference/tiny_model.py", [at("tiny")]);
  runPython("test/reference/make_cameras.py", [at("two.mcap")]);
  const scene = image(200, 100, grey, [
    [[40, 20, 80, 60], red],
    [[140, 40, 180, 80], blue],
  ]);
  await sharp(scene.data, { raw: { width: 200, height: 100, channels: 3 } })
    .png()
    .toFile(at("scene.png"));
  writeFileSync(at("queries.txt"), "red\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) => cli([...args, "--model", at("tiny")], { cwd: folder });
const ground = (...args: string[]) => run("ground", "--image", "scene.png", ...args);
const replay = (...args: string[]) => run("replay", "two.mcap", "--quiet", ...args);

describe("a file's name must say what is written", () => {
  it.each([
    ["ground", "--overlay", "x.bmp", ".png, .jpg, .jpeg"],
    ["ground", "--heatmap", "x.txt", ".npy"],
    ["replay", "--out", "r.bag", ".mcap"],
    ["replay", "--overlay", "x.webp", ".png, .jpg, .jpeg"],
    ["replay", "--contact-sheet", "x.pdf", ".png, .jpg, .jpeg"],
    ["replay", "--report", "x.pdf", ".html, .htm"],
  ])("%s %s %s", async (command, option, file, endings) => {
    const asked = ["--query", "red", option, file];
    const { code, stderr } = await (command === "ground" ? ground(...asked) : replay(...asked));
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining(`${option} ${file} does not end in ${endings}`),
    ]);
    expect(existsSync(at(file))).toBe(false);
  });

  it("merge", async () => {
    const { code, stderr } = await cli(["merge", "r.bag", "a.jsonl"], { cwd: folder });
    expect([code, stderr]).toEqual([2, expect.stringContaining("r.bag does not end in .mcap")]);
  });
});

describe("wrong usage is named", () => {
  it("a gripper that is not known, also where no grasp is planned", async () => {
    const { code, stderr } = await ground("--query", "red", "--gripper", "hand_of_god");
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/gripper hand_of_god: not known; there are .*franka_hand/),
    ]);
  });

  it.each([
    [["ground", "--imag", "x.png", "--query", "red"], "unknown option '--imag'", "--image"],
    [["calibrate", "intrinsics", "x", "--targt", "t.yaml"], "unknown option '--targt'", "--target"],
  ])("%j: an option that is not known, not one that is missing", async (args, says, meant) => {
    const { code, stderr } = await cli(args);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
    expect(stderr).toContain(meant);
    expect(stderr).not.toContain("not specified");
  });

  it.each([
    [["ground", "--query", "red"], "required option '--image <file>' not specified"],
    [["calibrate", "hand-eye", "x", "--target", "t"], "required option '--type <which>' not specified"],
  ])("%j: an option that is missing", async (args, says) => {
    const { code, stderr } = await cli(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
  });
});

describe("answers", () => {
  const parse = (text: string) =>
    text
      .trim()
      .split("\n")
      .map((line) => resultSchema.parse(JSON.parse(line)));

  it("with --jsonl have one shape, one line a query", async () => {
    const one = await ground("--query", "red", "--jsonl");
    expect(parse(one.stdout).map(({ query }) => query)).toEqual(["red"]);
    const two = await ground("--query", "red", "--query", "blue", "--jsonl");
    expect(parse(two.stdout).map(({ query }) => query)).toEqual(["red", "blue"]);
    const both = await ground("--query", "red", "--jsonl", "--json");
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("cannot be used with")]);
  });

  it("give each query its own share of the frame's time", async () => {
    const queries = Array.from({ length: 48 }, (_, k) => [
      "--query",
      k % 2 === 0 ? `red ${k}` : `blue ${k}`,
    ]).flat();
    const many = parse((await ground(...queries, "--jsonl")).stdout);
    const one = parse((await ground("--query", "red", "--jsonl")).stdout)[0]!;
    expect(many).toHaveLength(48);
    const [first] = many;
    for (const { timings_ms } of many) expect(timings_ms.encode).toBe(first!.timings_ms.encode);
    // The image is encoded once: 48 shares of it are about what one query pays, and far from 48 times that.
    const encode = many.reduce((sum, { timings_ms }) => sum + timings_ms.encode!, 0);
    expect(encode).toBeLessThan(12 * one.timings_ms.encode! + 48);
  });

  it("end with exit code 4 on request when something is not found", async () => {
    const asked = ["--query", "red", "--query", "a green elephant", "--json"];
    const plain = await ground(...asked);
    const found = JSON.parse(plain.stdout).map((each: { found: boolean }) => each.found);
    expect(plain.code).toBe(0);
    const strict = await ground(...asked, "--fail-if-not-found");
    expect(strict.code).toBe(found.every(Boolean) ? 0 : 4);
    const none = await ground("--query", "red", "--threshold", "0.999999", "--json", "--fail-if-not-found");
    expect(JSON.parse(none.stdout).found).toBe(false);
    expect(none.code).toBe(4);
    expect((await ground("--query", "red", "--fail-if-not-found")).code).toBe(0);
  });

  it("of a replay end with 4 when a query is found in no frame", async () => {
    expect((await replay("--query", "blue", "--fail-if-not-found")).code).toBe(0);
    expect((await replay("--query", "blue", "--query", "red", "--fail-if-not-found")).code).toBe(4);
    expect((await replay("--query", "red")).code).toBe(0);
  });
});
