import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Box, boxContains, boxIou, project } from "../../../src/geometry/index.js";
import { type ResultJson, resultSchema } from "../../../src/pipeline/index.js";
import { type CliResult, cli } from "../../support/cli.js";
import { repository, runPython } from "../../support/python.js";

const out = mkdtempSync(join(tmpdir(), "demo-"));
const truth = JSON.parse(readFileSync(join(repository, "demo", "truth.json"), "utf8")) as {
  width: number;
  height: number;
  frames: { stamp: string; objects: { name: string; box: Box }[] }[];
};
/** The camera of scripts/demo/scene.py. */
const camera = { width: 640, height: 480, fx: 615, fy: 615, cx: 319.5, cy: 239.5 };

let run: CliResult;
let results: readonly ResultJson[];

beforeAll(async () => {
  run = await cli(["demo", "--once", "--out", out]);
  const text = existsSync(join(out, "result.jsonl")) ? readFileSync(join(out, "result.jsonl"), "utf8") : "";
  results = text
    .split("\n")
    .filter(Boolean)
    .map((line) => resultSchema.parse(JSON.parse(line)));
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

const answers = (query: string) => results.filter((result) => result.query === query);
const boxOf = (stamp: string | undefined, name: string): Box => {
  const object = truth.frames.find((frame) => frame.stamp === stamp)?.objects.find((o) => o.name === name);
  if (object === undefined) throw new Error(`no ${name} at ${stamp}`);
  return object.box;
};

it("ends with a table and exit code 0", () => {
  expect(run.stderr).not.toContain("grasp-grounding:");
  expect(run.code).toBe(0);
  expect(run.stdout).toContain("give me the red mug on the left");
});

it.each([
  ["give me the red mug on the left", "red mug"],
  ["the yellow banana", "banana"],
  ["the blue mug", "blue mug"],
  ["something to cut with", "scissors"],
])("finds %j in every frame it looks at", (query, name) => {
  expect(answers(query)).toHaveLength(4);
  for (const result of answers(query)) {
    expect(boxIou(result.detections[0]?.box ?? [0, 0, 0, 0], boxOf(result.stamp, name))).toBeGreaterThan(0.5);
  }
});

it("does not find what is not on the table", () => {
  expect(answers("the green bottle").map((result) => result.found)).toEqual([false, false, false, false]);
});

it("grasps within the object it found, opened no wider than the gripper", () => {
  const grasped = results.filter((result) => result.grasps.length > 0);
  expect(new Set(grasped.map((result) => result.query)).size).toBeGreaterThanOrEqual(3);
  for (const { detections, grasps } of grasped) {
    const [x1, y1, x2, y2] = detections[0]?.box ?? [0, 0, 0, 0];
    for (const grasp of grasps) {
      const pixel = project(camera, grasp.position);
      expect(pixel && boxContains([x1 - 4, y1 - 4, x2 + 4, y2 + 4], pixel[0], pixel[1])).toBe(true);
      expect(grasp.width).toBeGreaterThan(0);
      expect(grasp.width).toBeLessThanOrEqual(0.08);
      expect(grasp.position[2]).toBeGreaterThan(0.4);
      expect(grasp.position[2]).toBeLessThan(1.1);
      expect(Math.hypot(...grasp.orientation)).toBeCloseTo(1, 4);
    }
  }
});

it("writes an image of the recording's size and a bag that others read", async () => {
  expect(await sharp(join(out, "overlay.png")).metadata()).toMatchObject({ width: 640, height: 480 });
  const topics = JSON.parse(runPython("test/reference/list_mcap.py", [join(out, "result.mcap")]));
  expect(topics["/grasp_grounding/detections"].slice(0, 2)).toEqual(["vision_msgs/msg/Detection2DArray", 4]);
  expect(topics["/grasp_grounding/grasps"][2]).toEqual(["camera_color_optical_frame"]);
  expect(topics["/grasp_grounding/mask"][1]).toBe(4);
  expect(topics["/camera/camera/color/image_raw/compressed"][1]).toBe(20);
});
