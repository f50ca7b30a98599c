import { expect, it } from "vitest";
import { confidenceOf, isAmbiguous } from "../../../src/console/server/queries/confidence.js";
import { explain, understoodAs } from "../../../src/console/server/queries/explain.js";
import { parseCommand } from "../../../src/grounding/index.js";
import type { PipelineResult } from "../../../src/pipeline/index.js";

function result(found: boolean, presence: number, scores: readonly number[], peak = 0.01): PipelineResult {
  const mask = { width: 1, height: 1, data: new Uint8Array(1) };
  const detections = scores.map((score) => ({ box: [0, 0, 1, 1] as const, score, mask }));
  const heatmap = { width: 1, height: 1, data: Float32Array.of(peak) };
  const grounding = { query: "it", model: "", found, presence, detections, heatmap, timings: {} };
  return { image: { width: 1, height: 1 }, stamp: 0n, frameId: "", grounding, grasps: [], timings: {} };
}

it.each([
  [true, [0.71], "sure", false],
  [true, [0.69], "unsure", false],
  [true, [0.9, 0.85], "sure", true],
  [true, [0.9, 0.6], "sure", false],
  [false, [], "not_found", false],
] as const)("calls found %s with scores %j %s", (found, scores, confidence, ambiguous) => {
  const answer = result(found, 0.9, scores);
  expect([confidenceOf(answer), isAmbiguous(answer)]).toEqual([confidence, ambiguous]);
});

it("is ambiguous where a question was asked back, whatever the scores, and not where several were asked for", () => {
  const { grounding } = result(true, 0.9, [0.8, 0.4]);
  const question = { text: "The red mug or the blue one?", labels: ["the red mug", "the blue mug"] };
  expect(isAmbiguous({ grounding: { ...grounding, question } })).toBe(true);
  const close = result(true, 0.9, [0.9, 0.85]).grounding;
  const target = { phrase: "the cups", count: 2 };
  const command = { act: "find", targets: [target] } as const;
  expect(isAmbiguous({ grounding: { ...close, command } })).toBe(false);
  const single = { ...command, targets: [{ ...target, count: 1 }] };
  expect(isAmbiguous({ grounding: { ...close, command: single } })).toBe(true);
});

it("says in a line of its own what a query was taken for", () => {
  const { grounding } = result(true, 0.9, [0.8]);
  const command = parseCommand("pick the mug but not the red one")!;
  expect(understoodAs({ grounding: { ...grounding, command } })).toMatch(/^pick: the mug, not: /);
  expect(understoodAs({ grounding: { ...grounding, command: parseCommand("the mug")! } })).toBeUndefined();
});

it("says of what may be there that it is not sure, and takes it for no candidate", () => {
  expect(explain(result(false, 0.3, [], 0.4), "a mug")).toMatch(
    /^not sure \(30 % sure.*; closest is a mug in the/,
  );
  expect(confidenceOf(result(false, 0.3, []))).toBe("not_found");
});

it("names what comes nearest only where something does", () => {
  expect(explain(result(false, 0.05, []), "a banana")).toBe("not found (5 % sure that it is there)");
  expect(explain(result(false, 0.05, [], 0.4), "a banana")).toMatch(/; closest is a banana in the middle/);
});
