import { expect, it } from "vitest";
import { confidenceOf, isAmbiguous } from "../../../src/console/server/queries/confidence.js";
import { explain } from "../../../src/console/server/queries/explain.js";
import type { PipelineResult } from "../../../src/pipeline/index.js";

function result(found: boolean, presence: number, scores: readonly number[], peak = 0.01): PipelineResult {
  const mask = { width: 1, height: 1, data: new Uint8Array(1) };
  const detections = scores.map((score) => ({ box: [0, 0, 1, 1] as const, score, mask }));
  const heatmap = { width: 1, height: 1, data: Float32Array.of(peak) };
  const grounding = { query: "it", model: "", found, presence, detections, heatmap, timings: {} };
  return { image: { width: 1, height: 1 }, stamp: 0n, frameId: "", grounding, grasps: [], timings: {} };
}

it.each([
  [true, 0.9, [0.9], "sure", false],
  [true, 0.9, [0.4], "unsure", false],
  [true, 0.3, [0.9], "unsure", false],
  [true, 0.9, [0.9, 0.85], "sure", true],
  [true, 0.9, [0.9, 0.6], "sure", false],
  [false, 0.1, [], "not_found", false],
] as const)("calls found %s, presence %f, scores %j %s", (found, presence, scores, confidence, ambiguous) => {
  const answer = result(found, presence, scores);
  expect([confidenceOf(answer), isAmbiguous(answer)]).toEqual([confidence, ambiguous]);
});

it("names what comes nearest only where something does", () => {
  expect(explain(result(false, 0.05, []), "a banana")).toBe("not found (5 % sure that it is there)");
  expect(explain(result(false, 0.05, [], 0.4), "a banana")).toMatch(/; closest is a banana in the middle/);
});
