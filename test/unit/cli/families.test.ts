import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resultSchema } from "../../../src/pipeline/index.js";
import { cli } from "../../support/cli.js";
import { smallModel } from "../../support/families.js";
import { repository } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "cli-families-"));
const store = join(folder, "store");
const families = ["clipseg", "owlv2", "grounding-dino"] as const;
const demo = join(repository, "demo", "demo.mcap");

beforeAll(async () => {
  for (const family of families) await smallModel(family, join(store, `${family}-base`));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a command with the models installed under their names. @throws AssertionError when it fails */
async function run(...args: string[]): Promise<string> {
  const env = { GRASP_GROUNDING_MODELS: store };
  const { code, stdout, stderr } = await cli([...args, "--threshold", "0.05"], { env });
  expect([code, stderr]).toEqual([0, expect.not.stringMatching(/grasp-grounding: /)]);
  return stdout;
}
const jsonLines = (text: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const maskSources = { clipseg: [undefined], owlv2: ["box", "depth"], "grounding-dino": ["box", "depth"] };

describe.each(families)("%s by its name", (family) => {
  const model = ["--model", `${family}-base`];

  it("replays a bag: every frame is answered, with masks of its own kind", async () => {
    const asked = ["--query", "red mug", "--query", "banana", "--every", "30", "--json", "-", "--quiet"];
    const answers = jsonLines(await run("replay", demo, ...model, ...asked)).map((line) =>
      resultSchema.parse(line),
    );
    expect(new Set(answers.map(({ query }) => query))).toEqual(new Set(["red mug", "banana"]));
    expect(new Set(answers.map((answer) => answer.model))).toEqual(new Set([`${family}-fp32`]));
    const found = answers.flatMap(({ detections }) => detections);
    expect(found.length).toBeGreaterThan(0);
    for (const { mask_source, score } of found) {
      expect(maskSources[family]).toContain(mask_source);
      expect(score).toBeGreaterThanOrEqual(0.05);
    }
  });

  it("is measured on a data set", async () => {
    const set = join(repository, "test", "fixtures", "eval");
    const own = join(folder, `${family}-set`);
    mkdirSync(own);
    symlinkSync(join(set, "images"), join(own, "images"));
    const lines = readFileSync(join(set, "eval.jsonl"), "utf8").split("\n").slice(0, 3);
    writeFileSync(join(own, "eval.jsonl"), lines.join("\n"));
    const report = JSON.parse(await run("eval", join(own, "eval.jsonl"), ...model, "--json"));
    expect(report).toMatchObject({ n: 3 });
    expect(report.found_rate).toBeGreaterThan(0);
  });
});

it("`replay --compare lite owlv2-base` has both answers to each frame", async () => {
  const written = join(folder, "compare.jsonl");
  const asked = ["--query", "banana", "--every", "30", "--json", written];
  await run("replay", demo, "--compare", "lite", "owlv2-base", ...asked);
  const pairs = jsonLines(readFileSync(written, "utf8"));
  expect(pairs.length).toBeGreaterThan(0);
  for (const { a, b, agreement } of pairs) {
    expect([typeof a.found, b.found]).toEqual(["boolean", true]);
    expect(agreement).toBeGreaterThanOrEqual(0);
    expect(agreement).toBeLessThan(1);
  }
});
