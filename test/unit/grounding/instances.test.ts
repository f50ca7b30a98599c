import { describe, expect, it } from "vitest";
import { instancesFromHeatmap } from "../../../src/grounding/index.js";

const heatmap = (rows: readonly string[]) => ({
  width: (rows[0] as string).length,
  height: rows.length,
  data: Float32Array.from([...rows.join("")].map((c) => Number(c) / 10)),
});

const find = (rows: readonly string[], scale = 1, options = {}) => {
  const map = heatmap(rows);
  return instancesFromHeatmap(
    map,
    { width: map.width * scale, height: map.height * scale },
    { threshold: 0.5, minArea: 0, ...options },
  );
};

describe("instances from a heat map", () => {
  it("joins diagonal neighbours and parts that meet later (8-connectivity, union-find)", () => {
    const detections = find(["9000009", "0900090", "0090900", "0009000"]);
    expect(detections).toHaveLength(1);
    expect(detections[0]?.box).toEqual([0, 0, 7, 4]);
  });

  it("orders by mean probability and drops what is weak beside the best", () => {
    const rows = ["990000660000", "990000660055", "000000000055"];
    expect(find(rows).map((d) => Number(d.score.toFixed(2)))).toEqual([0.9, 0.6]);
    expect(find(rows, 1, { relativeScore: 0 })).toHaveLength(3);
  });

  it("drops specks below the smallest area", () => {
    expect(find(["9000", "0099", "0099", "0000"], 1, { minArea: 2 / 16 })).toHaveLength(1);
  });

  it("maps boxes to the image without a shift", () => {
    const [detection] = find(["0000", "0990", "0990", "0000"], 100);
    const [x1, y1, x2, y2] = detection?.box ?? [0, 0, 0, 0];
    // The edge lies where 0.9 falls to 0.5 between cell centres: 0.444 of a cell beyond the outer centre.
    expect(x1).toBeGreaterThan(100);
    expect(x1).toBeLessThan(112);
    expect(x1 + x2).toBe(400);
    expect([y1, y2]).toEqual([x1, x2]);
  });

  it("never reaches outside the image, nor over into another instance", () => {
    const detections = find(["99099", "99099"], 7, { relativeScore: 0 });
    expect(detections).toHaveLength(2);
    const [a, b] = detections;
    for (const d of detections) {
      expect(d.box[0]).toBeGreaterThanOrEqual(0);
      expect(d.box[2]).toBeLessThanOrEqual(35);
    }
    const both = a?.mask.data.some((v, i) => v === 1 && b?.mask.data[i] === 1);
    expect(both).toBe(false);
  });

  it("gives nothing for an empty or a NaN map", () => {
    expect(find(["000", "000"])).toEqual([]);
    const data = new Float32Array(9).fill(Number.NaN);
    expect(
      instancesFromHeatmap({ width: 3, height: 3, data }, { width: 9, height: 9 }, { threshold: 0.5 }),
    ).toEqual([]);
  });
});
