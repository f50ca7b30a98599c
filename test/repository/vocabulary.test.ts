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

/**
 * Names of file formats, messages, options and JSON that others have already, and words of the queries that are
 * understood, by file: they stay. Names in snake_case are such fields everywhere.
 */
const published: Readonly<Record<string, readonly string[]>> = {
  "src/arm/control/arm.ts": ["way-blocked"],
  "src/arm/planning/free-path.ts": ["way-blocked"],
  "src/arm/planning/sequence-types.ts": ["way-blocked"],
  "src/arm/planning/sequence.ts": ["way-blocked"],
  "src/arm/safety/supervisor-types.ts": ["not-latched"],
  "src/arm/safety/supervisor.ts": ["not-latched"],
  "src/cli/calibrate/check.ts": ["pictures"],
  "src/cli/calibrate/hand-eye.ts": ["pictures"],
  "src/cli/calibrate/intrinsics.ts": ["pictures"],
  "src/cli/models/import-grasp.ts": ["picture"],
  "src/cli/models/import.ts": ["pictures"],
  "src/cli/worker.ts": ["picture", "pictureThreads"],
  "src/console/motion/motion.ts": ["not-latched"],
  "src/evaluation/datasets/refcoco.ts": ["sentences"],
  "bench/arm.ts": ["peer"],
  "bench/ground.ts": ["peer"],
  "bench/replay.ts": ["picture"],
  "bench/ros.ts": ["picture"],
  "src/grasping/learned/manifest.ts": ["picture"],
  "src/grasping/learned/network.ts": ["picture"],
  "src/grounding/hifics/self-test.ts": ["picture"],
  "src/grounding/query/parse/destinations.ts": ["way"],
  "src/grounding/query/parse/lexicon.ts": ["picture"],
  "src/grounding/query/parse/names.ts": ["picture"],
  "src/grounding/query/parse/noun-phrase.ts": ["beside", "things"],
  "src/grounding/query/parse/parse.ts": ["beside", "go back"],
  "src/grounding/query/parse/relations.ts": ["beside", "thing"],
  "src/inference/zmq/backend.ts": ["picture"],
  "src/inference/zmq/protocol.ts": ["picture", "kept"],
  "src/inference/zmq/runner.ts": ["picture"],
  "src/inference/zmq/server.ts": ["kept"],
  "src/model-store/convert.ts": ["--pictures"],
};

const text = (path: string): string => readFileSync(join(repository, path), "utf8");

describe("the sources", () => {
  it("are found", () => {
    expect(sources.length).toBeGreaterThan(100);
  });

  it("use the field's terms in comments, texts and names", () => {
    const findings = sources.flatMap((path) =>
      replacedWordsOfSource(text(path), path)
        .filter(({ whole }) => !published[path]?.includes(whole))
        .map(({ line, problem }) => `${path}:${line}: ${problem}`),
    );
    expect(findings).toEqual([]);
  });

  it("have no comment line over 120 characters", () => {
    const findings = sources.flatMap((path) => longCommentLines(text(path)).map((line) => `${path}:${line}`));
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
    ["// a latched topic", 1],
    ["// The emergency stop is latched: a latched emergency stop", 0],
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
