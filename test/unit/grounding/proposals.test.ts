import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Box, boxIou } from "../../../src/geometry/index.js";
import type { Grounder, Grounding, Heatmap } from "../../../src/grounding/index.js";
import {
  clustersOnTable,
  DepthClusters,
  GuidedGrounder,
  OnnxDetector,
  type Proposal,
  pickProposals,
} from "../../../src/grounding/proposals/index.js";
import { picture as image } from "../../support/images.js";
import { runExport } from "../../support/models.js";
import { runPython } from "../../support/python.js";
import { tabletop, tabletopSize } from "../../support/tabletop.js";

const size = tabletopSize;

const first: Box = [40, 60, 90, 120];
const second: Box = [180, 100, 240, 160];
const frame = tabletop([
  { box: first, height: 0.06 },
  { box: second, height: 0.1 },
]);

/** Heat 0.9 in a box of the image, 0.02 elsewhere, at a quarter of the resolution. */
function heatIn(box: Box): Heatmap {
  const width = size.width / 4;
  const height = size.height / 4;
  const data = Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) * 4 + 2, Math.trunc(i / width) * 4 + 2];
    return x >= box[0] && x < box[2] && y >= box[1] && y < box[3] ? 0.9 : 0.02;
  });
  return { width, height, data };
}

const proposal = (box: Box, score = 1): Proposal => ({ box, score });

describe("picking proposals by heat", () => {
  const whole: Box = [0, 0, size.width, size.height];
  const part: Box = [185, 105, 200, 120];

  it("prefers the object to what is too large, too small or elsewhere", () => {
    const offered = [whole, part, first, second].map((box) => proposal(box));
    const picked = pickProposals(heatIn(second), offered, size);
    expect(picked.map(({ box }) => box)).toEqual([second]);
    expect(picked[0]?.score).toBeGreaterThan(0.85);
  });

  it("takes several when the heat lies in several, and none without heat", () => {
    const both = heatIn(first);
    heatIn(second).data.forEach((p, i) => {
      if (p > 0.5) both.data[i] = p;
    });
    const offered = [proposal(first), proposal(second), proposal([0, 180, 60, 240])];
    expect(new Set(pickProposals(both, offered, size).map(({ box }) => box))).toEqual(
      new Set([first, second]),
    );
    const cold = { ...both, data: new Float32Array(both.data.length) };
    expect(pickProposals(cold, offered, size)).toEqual([]);
    expect(pickProposals(both, [], size)).toEqual([]);
  });
});

describe("depth clusters", () => {
  it("finds what stands on the table, each with its mask", () => {
    const clusters = clustersOnTable(frame);
    expect(clusters).toHaveLength(2);
    for (const wanted of [first, second])
      expect(Math.max(...clusters.map(({ box }) => boxIou(box, wanted)))).toBeGreaterThan(0.85);
  });

  it("finds nothing on an empty table, and ignores what is smaller than the noise", () => {
    expect(clustersOnTable(tabletop([]))).toEqual([]);
    expect(clustersOnTable(tabletop([{ box: [10, 10, 16, 16], height: 0.05 }]))).toEqual([]);
  });

  it("says what is missing", () => {
    const { depth: _, ...blind } = frame;
    expect(() => clustersOnTable(blind)).toThrow(expect.objectContaining({ code: "GRASP_NO_DEPTH" }));
    const { camera: __, ...unknown } = frame;
    expect(() => clustersOnTable(unknown)).toThrow(expect.objectContaining({ code: "DEPTH_WITHOUT_CAMERA" }));
    const empty = { ...frame, depth: { ...size, data: new Float32Array(size.width * size.height) } };
    expect(() => clustersOnTable(empty)).toThrow(expect.objectContaining({ code: "DEPTH_EMPTY" }));
  });
});

describe("a guided grounder", () => {
  const grounding = (found: boolean, heatmap: Heatmap): Grounding => ({
    query: "the box",
    model: "tiny",
    found,
    detections: found
      ? [{ box: [0, 0, 5, 5], score: 0.5, mask: { ...size, data: new Uint8Array(size.width * size.height) } }]
      : [],
    presence: found ? 0.9 : 0.1,
    heatmap,
    timings: {},
  });
  const saying = (answer: Grounding): Grounder => ({
    model: "tiny",
    ground: async () => [answer],
    close: async () => undefined,
  });

  it("answers with the cluster the query points at", async () => {
    const guided = new GuidedGrounder(saying(grounding(true, heatIn(second))), new DepthClusters());
    const [answer] = await guided.ground(frame, ["the box"]);
    expect(answer?.detections).toHaveLength(1);
    expect(boxIou(answer?.detections[0]?.box as Box, second)).toBeGreaterThan(0.85);
    expect(answer?.model).toBe("tiny + depth clusters");
  });

  it("keeps the grounder's own answer where no proposal fits, and its `not found`", async () => {
    const own = grounding(true, heatIn([280, 0, 320, 40]));
    const [kept] = await new GuidedGrounder(saying(own), new DepthClusters()).ground(frame, ["the box"]);
    expect(kept?.detections).toEqual(own.detections);
    const none = grounding(false, heatIn(second));
    const [absent] = await new GuidedGrounder(saying(none), new DepthClusters()).ground(frame, ["the box"]);
    expect(absent).toEqual(none);
  });
});

describe("open-set detectors of transformers, exported to ONNX, against PyTorch's own output", () => {
  const folder = mkdtempSync(join(tmpdir(), "detectors-"));
  const colour = image(
    200,
    120,
    [90, 120, 60],
    [
      [
        [20, 30, 90, 80],
        [220, 40, 30],
      ],
    ],
  );
  let wanted: Record<string, { scores: number[]; boxes: number[][] }>;

  beforeAll(async () => {
    runPython("test/reference/detectors.py", [folder]);
    for (const kind of ["owlv2", "grounding-dino"]) {
      runExport("export.detector", [
        ...["--model", join(folder, kind), "--out", join(folder, `${kind}-onnx`)],
        ...["--width", "160", "--height", "128"],
      ]);
    }
    const file = join(folder, "picture.png");
    await sharp(colour.data, { raw: { width: 200, height: 120, channels: 3 } })
      .png()
      .toFile(file);
    wanted = JSON.parse(runPython("test/reference/detectors.py", [folder, file]));
  }, 600_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(["owlv2", "grounding-dino"])("%s", { timeout: 300_000 }, async (kind) => {
    const detector = await OnnxDetector.open(join(folder, `${kind}-onnx`), { threads: 2 });
    const found = await detector.detect(colour, "the red mug on the left");
    const peer = wanted[kind] as { scores: number[]; boxes: number[][] };
    expect(found).toHaveLength(peer.scores.length);
    // Grounding DINO orders its queries by score, and equal ones may change places: match by box.
    const clip = (box: readonly number[]) => box.map((v, i) => Math.min(Math.max(v, 0), i % 2 ? 120 : 200));
    for (const [i, score] of peer.scores.entries()) {
      const box = clip(peer.boxes[i] as number[]);
      const distance = Math.min(
        ...found.map((p) =>
          Math.max(...p.box.map((v, k) => Math.abs(v - (box[k] ?? 0))), 1000 * Math.abs(p.score - score)),
        ),
      );
      expect(distance, `box ${i}`).toBeLessThan(0.2);
    }
    const other = await detector.detect(colour, "a plate, a very large one, and nothing else");
    expect(other.some((p, i) => Math.abs(p.score - (found[i]?.score ?? 0)) > 1e-4)).toBe(true);
    const kept = await detector.propose({ colour }, "the red mug on the left");
    for (const [i, a] of kept.entries())
      for (const b of kept.slice(i + 1)) expect(boxIou(a.box, b.box)).toBeLessThanOrEqual(0.7);
    await detector.close();
  });

  it("refuses a changed file and a folder that is none", async () => {
    const path = join(folder, "owlv2-onnx");
    await expect(OnnxDetector.open(join(folder, "nowhere"))).rejects.toMatchObject({ code: "MODEL_MISSING" });
    writeFileSync(join(path, "tokenizer.json"), "{}");
    await expect(OnnxDetector.open(path)).rejects.toMatchObject({ code: "MODEL_CORRUPT" });
  });
});
