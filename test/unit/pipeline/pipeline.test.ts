import { describe, expect, it } from "vitest";
import { maskFromBox, maskFromRle } from "../../../src/geometry/index.js";
import { type PipelineResult, resultSchema, resultToJson } from "../../../src/pipeline/index.js";

describe("JSON results", () => {
  const mask = maskFromBox(20, 10, [2, 3, 8, 9]);
  const result: PipelineResult = {
    image: { width: 20, height: 10 },
    stamp: 5n,
    frameId: "camera",
    grounding: {
      query: "the cup",
      model: "tiny",
      found: true,
      presence: 0.9,
      detections: [{ box: [2, 3, 8, 9], score: 0.87654321, mask }],
      heatmap: { width: 1, height: 1, data: new Float32Array(1) },
      timings: { encode: 1.23456 },
    },
    grasps: [
      {
        frame: "camera",
        pose: { position: [0.1234567, 0, 1], orientation: [0, 0, 0, 1] },
        width: 0.04,
        score: 1,
      },
    ],
    timings: { encode: 1.23456 },
  };

  it("follow the published schema and carry the mask losslessly", () => {
    const json = resultToJson(result);
    expect(resultSchema.parse(JSON.parse(JSON.stringify(json)))).toEqual(json);
    expect(maskFromRle(json.detections[0]?.mask as Parameters<typeof maskFromRle>[0])).toEqual(mask);
    expect(json.grasps[0]?.position).toEqual([0.12346, 0, 1]);
  });

  it("say how sure the answer is, and what comes closest where nothing was found", () => {
    const heatmap = { width: 2, height: 2, data: Float32Array.of(0.05, 0.05, 0.8, 0.1) };
    const answered = (found: boolean, presence: number, score: number, map = heatmap) => {
      const detections = found ? [{ ...result.grounding.detections[0]!, score }] : [];
      const grounding = { ...result.grounding, found, presence, detections, heatmap: map };
      const { certainty, closest } = resultToJson({ ...result, grounding });
      return [certainty, closest];
    };
    const { width, height } = result.image;
    const closest = { point: [width * 0.25, height * 0.75], probability: 0.8 };
    expect(answered(true, 0.9, 0.71)).toEqual(["sure", undefined]);
    expect(answered(true, 0.9, 0.69)).toEqual(["unsure", undefined]);
    expect(answered(false, 0.26, 0)).toEqual(["unsure", closest]);
    expect(answered(false, 0.24, 0)).toEqual(["not_found", closest]);
    const nothing = { ...heatmap, data: new Float32Array(4) };
    expect(answered(false, 0.24, 0, nothing)).toEqual(["not_found", undefined]);
  });

  it("leave out masks and timings on request", () => {
    const json = resultToJson(result, { masks: false, timings: false });
    expect(json.detections[0]).not.toHaveProperty("mask");
    expect(json.timings_ms).toEqual({});
  });
});
