import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "../support/python.js";
import { longCommentLines, replacedWordsOfSource } from "../support/vocabulary.js";

const sources = spawnSync("git", ["ls-files", "src", "bench"], { cwd: repository, encoding: "utf8" })
  .stdout.trim()
  .split("\n")
  .filter((path) => /\.tsx?$/.test(path));

/** Rooms and files that are not held to the vocabulary yet; the list only gets shorter. */
const notYet: readonly string[] = [
  "src/arm/",
  "src/bags/",
  "src/calibration/",
  "src/cli/",
  "src/console/",
  "src/evaluation/",
  "src/geometry/",
  "src/grounding/query",
  "src/messages/",
  "src/net/",
  "src/pipeline/camera-file.ts",
  "src/pipeline/image-files.ts",
  "src/ros/",
  "src/visualization/",
];

/**
 * Names of file formats, messages and JSON that others have already, by file: they stay. Names in snake_case are such
 * fields everywhere.
 */
const published: Readonly<Record<string, readonly string[]>> = {
  "bench/arm.ts": ["peer"],
  "bench/ground.ts": ["peer"],
  "bench/replay.ts": ["picture"],
  "bench/ros.ts": ["picture"],
  "src/grasping/learned/manifest.ts": ["picture"],
  "src/grasping/learned/network.ts": ["picture"],
  "src/grounding/hifics/self-test.ts": ["picture"],
  "src/inference/zmq/backend.ts": ["picture"],
  "src/inference/zmq/protocol.ts": ["picture", "kept"],
  "src/inference/zmq/runner.ts": ["picture"],
  "src/inference/zmq/server.ts": ["kept"],
  "src/model-store/convert.ts": ["pictures", "--pictures"],
};

const text = (path: string): string => readFileSync(join(repository, path), "utf8");
const held = sources.filter((path) => !notYet.some((prefix) => path.startsWith(prefix)));

describe("the sources", () => {
  it("are found", () => {
    expect(held.length).toBeGreaterThan(100);
    for (const prefix of notYet) expect(sources.some((path) => path.startsWith(prefix))).toBe(true);
  });

  it("use the field's terms in comments, texts and names", () => {
    const findings = held.flatMap((path) =>
      replacedWordsOfSource(text(path), path)
        .filter(({ whole }) => !published[path]?.includes(whole))
        .map(({ line, problem }) => `${path}:${line}: ${problem}`),
    );
    expect(findings).toEqual([]);
  });

  it("have no comment line over 120 characters", () => {
    const findings = held.flatMap((path) => longCommentLines(text(path)).map((line) => `${path}:${line}`));
    expect(findings).toEqual([]);
  });

  it("need each name of the published ones", () => {
    for (const [path, names] of Object.entries(published)) {
      const found = new Set(replacedWordsOfSource(text(path), path).map(({ whole }) => whole));
      expect([path, ...names.filter((name) => !found.has(name))]).toEqual([path]);
    }
  });
});

describe("the checker", () => {
  it.each([
    ["/** The picture. */", 1],
    ["// kept beside the way\n", 3],
    ["const a = `a thing of use`;", 2],
    ["const picture = 1; const askPeer = 2;", 2],
    ["const always = 'anything'; const byteway = 1;", 0],
    ["const a = { pictures_total: 1 };", 0],
    ["/** `picture`: a value of the manifest. */", 0],
    ["const a = <p title='the picture'>A sentence.</p>;", 2],
  ])("finds in %j: %d", (source, count) => {
    expect(replacedWordsOfSource(source, "a.tsx")).toHaveLength(count);
  });

  it("counts only comment lines", () => {
    const long = "x".repeat(120);
    expect(longCommentLines(`// ${long}\nconst a = "${long}";\n/**\n * ${long}\n */\n * 3;`)).toEqual([1, 4]);
  });
});
