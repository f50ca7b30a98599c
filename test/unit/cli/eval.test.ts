import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readDataset } from "../../../src/evaluation/datasets/index.js";
import { maskIou } from "../../../src/geometry/index.js";
import { cli } from "../../support/cli.js";
import { runPython } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "cli-eval-"));
const at = (name: string) => join(folder, name);
let peer: { odd_area: number; odd_mask: number[] };

beforeAll(() => {
  runPython("bench/reference/tiny_model.py", [at("tiny")]);
  peer = JSON.parse(runPython("test/reference/make_datasets.py", [at("sets")]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const evaluate = async (...args: string[]) => {
  const { code, stdout, stderr } = await cli(["eval", ...args, "--json", "--model", at("tiny")], {
    cwd: folder,
  });
  expect([code, stderr.replace(/^eval .*$/gm, "").trim()]).toEqual([0, ""]);
  return JSON.parse(stdout);
};

describe("data sets as others lay them out", () => {
  it.each([
    ["sets/roborefit", [], 1],
    ["sets/roborefit/data/final_dataset/testA/roborefit_testA.json", [], 1],
    ["sets/OCID-VLG", ["--split", "test"], 2],
    ["sets/OCID-VLG/refer/multiple/train_expressions.json", [], 2],
    ["sets/refer0/refcoco", [], 4],
    ["sets/refer2/refcoco", ["--split", "val"], 2],
  ])("%s %j: boxes and masks are the objects the queries name", async (path, options, n) => {
    const report = await evaluate(path, ...options);
    expect(report).toMatchObject({ n, found_rate: 1, precision_at: { "0.5": 1 } });
    // The tiny model answers in steps of six pixels.
    expect(report.mean_iou).toBeGreaterThan(0.78);
    expect(report.mean_mask_iou).toBeGreaterThan(0.75);
    const [low, high] = report.intervals["mask_precision_at_0.5"];
    expect([low, high]).toEqual([1, 1]);
  });

  it("have their categories", async () => {
    const coco = await evaluate("sets/refer0/refcoco");
    expect(Object.keys(coco.by_category.split)).toEqual(["testA", "testB", "val"]);
    expect(coco.by_category.category.cup.n).toBe(4);
    expect(Object.keys((await evaluate("sets/OCID-VLG", "--split", "test")).by_category.target)).toEqual([
      "box",
      "cup",
    ]);
    expect((await evaluate("sets/roborefit")).by_category.class.cup.n).toBe(1);
  });

  it("have polygons filled as pycocotools fills them, to a pixel at the rim", async () => {
    const lines = await readDataset(at("sets/refer0/refcoco"), { split: "testB" });
    const mask = await lines[0]!.mask!();
    const theirs = { ...mask, data: Uint8Array.from(peer.odd_mask) };
    expect(maskIou(mask, theirs)).toBeGreaterThan(0.95);
    expect(peer.odd_area).toBeGreaterThan(900);
  });

  it.each([
    ["sets/refer0", /no data set is recognised/, 2],
    ["sets/OCID-VLG", /name one, or give --split/, 2],
    ["nowhere", /no such file/, 1],
  ])("%s alone is refused in one line", async (path, message, wanted) => {
    const { code, stderr } = await cli(["eval", path, "--model", at("tiny")], { cwd: folder });
    expect(code).toBe(wanted);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});

it("prints a table of boxes and one of masks, with intervals and a row for each category", async () => {
  const { code, stdout } = await cli(["eval", "sets/refer0/refcoco", "--model", at("tiny")], { cwd: folder });
  expect(code).toBe(0);
  const [boxes = "", masks = ""] = stdout.split("\n\n");
  expect(boxes).toMatch(/^boxes\n +n +mean IoU +P@0\.5 .*found +false finds/);
  expect(boxes).toMatch(/^all +4 +0\.\d{3} +1\.000 /m);
  expect(boxes).toMatch(/^ +95 % interval +\.\d\d–/m);
  for (const row of ["split=testA", "split=testB", "split=val", "category=cup"]) expect(boxes).toContain(row);
  expect(masks).toMatch(/^masks\n/);
  expect(masks).not.toContain("false finds");
  expect(stdout).toMatch(/4 queries in [\d.]+ s\n$/);
});

it("shows the worst cases as images: what was missed and what was made up", async () => {
  const scene = { image: "sets/refer0/images/mscoco/images/train2014/COCO_train2014_000000000009.jpg" };
  const rows = [
    { ...scene, query: "red", box: [40, 20, 80, 60] },
    { ...scene, query: "blue", box: [0, 0, 20, 20], kind: "wrong" },
    { ...scene, query: "the red cup", absent: true, kind: "absent" },
  ];
  writeFileSync(at("set.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await evaluate("set.jsonl", "--worst", "worst.png", "--report", "report.html");
  // Two of three went wrong: two images beside each other.
  expect(await sharp(at("worst.png")).metadata()).toMatchObject({ format: "png", width: 8 + 2 * 408 });
  const html = readFileSync(at("report.html"), "utf8");
  expect(html.match(/<figure/g)).toHaveLength(2);
  expect(html).toMatch(/not there, found 0\.9\d: the red cup/);
  expect(html).not.toMatch(/(src|href)="(?!data:|#)/);
});
