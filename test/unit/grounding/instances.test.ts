import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Heatmap, instancesFromHeatmap } from "../../../src/grounding/index.js";
import { expectSame, plainInstances, sizes } from "../../support/plain-instances.js";

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

  it("marks exactly the pixels of a plain loop over the image, for maps from empty to full", () => {
    const sizes = [
      { map: [40, 30], image: [133, 77] },
      { map: [40, 30], image: [23, 31] },
      { map: [7, 5], image: [7, 5] },
      { map: [1, 1], image: [5, 4] },
    ] as const;
    let found = 0;
    for (const { map, image } of sizes)
      for (const noise of [0, 0.5])
        for (const level of [-0.6, -0.2, 0.1, 0.4, 0.8]) {
          const heatmap = waves(map[0], map[1], noise, level);
          const size = { width: image[0], height: image[1] };
          const options = { threshold: 0.5, minArea: 0, relativeScore: 0, limit: 1000 };
          const detections = instancesFromHeatmap(heatmap, size, options);
          const expected = plainInstances(heatmap, size, options.threshold);
          expectSame(detections, expected);
          found += detections.length;
        }
    expect(found).toBeGreaterThan(100);
  });

  it("gives the boxes, scores and masks of the plain loop for any map, ties among its values", () => {
    // Rows of more than 16 and 32 columns: marks are read in words of 16.
    const maps = sizes(40, 14).chain(({ width, height }) => {
      const value = fc.oneof(
        fc.constantFrom(0, 0.25, 0.5, 0.75, 1),
        fc.float({ min: Math.fround(0.3), max: Math.fround(0.7), noNaN: true }),
      );
      return fc
        .array(value, { minLength: width * height, maxLength: width * height })
        .map((values): Heatmap => ({ width, height, data: Float32Array.from(values) }));
    });
    let found = 0;
    fc.assert(
      fc.property(maps, sizes(60, 30), fc.constantFrom(0.25, 0.4, 0.5, 0.61), (map, image, threshold) => {
        const options = { threshold, minArea: 0, relativeScore: 0, limit: 1000 };
        const seen = instancesFromHeatmap(map, image, options);
        const expected = plainInstances(map, image, threshold);
        expectSame(seen, expected);
        found += seen.length;
      }),
      { numRuns: 150 },
    );
    expect(found).toBeGreaterThan(150);
  });
});

function waves(width: number, height: number, noise: number, level: number): Heatmap {
  let state = 1;
  const data = Float32Array.from({ length: width * height }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const wave = 0.4 * Math.sin((i % width) / 3) * Math.cos(Math.floor(i / width) / 4);
    return 0.5 + wave + level * 0.5 + noise * ((state >>> 24) / 256 - 0.5);
  });
  return { width, height, data };
}
