import { describe, expect, it } from "vitest";
import type { RgbdFrame } from "../../../src/geometry/index.js";
import { scenePoints } from "../../../src/pipeline/index.js";

const [width, height] = [120, 90];

/** A wall at 1 m, an object at 0.8 m in the middle, another at 0.75 m right beside it. */
function given() {
  const data = new Float32Array(width * height).fill(1);
  const mask = { width, height, data: new Uint8Array(width * height) };
  for (let row = 30; row < 60; row++)
    for (let column = 30; column < 90; column++) {
      const i = row * width + column;
      data[i] = column < 60 ? 0.8 : 0.75;
      // The mask ends three pixels short of the object's left edge.
      if (column >= 33 && column < 60) mask.data[i] = 1;
    }
  const frame: RgbdFrame = {
    stamp: 0n,
    frameId: "optical",
    colour: { width, height, data: new Uint8Array(0) },
    depth: { width, height, data },
    camera: { width, height, fx: 100, fy: 100, cx: 60, cy: 45 },
  };
  return { frame, mask, data };
}

const depths = (points: Float32Array): number[] =>
  Array.from(points)
    .filter((_, i) => i % 3 === 2)
    .map((z) => Math.round(z * 1000) / 1000);

describe("points on and beside a mask", () => {
  it("are the object's, and those of its neighbour and of the ground", () => {
    const { frame, mask } = given();
    const { target, obstacles } = scenePoints(frame, mask)!;
    expect(new Set(depths(target))).toEqual(new Set([0.8]));
    expect(new Set(depths(obstacles))).toEqual(new Set([0.75, 1]));
    expect(depths(target).length).toBeGreaterThan(50);
  });

  it("flying pixels are nobody's, alone or a few together", () => {
    const { frame, mask, data } = given();
    data[10 * width + 10] = 0.4;
    data[12 * width + 60] = 0.5;
    for (const i of [0, 1, width, width + 1]) data[75 * width + 90 + i] = 0.3;
    expect(Math.min(...depths(scenePoints(frame, mask)!.obstacles))).toBe(0.75);
  });

  it("a rim pixel of the object that noise has parted from its mask is nobody's; a thin pole is an obstacle", () => {
    const { frame, mask, data } = given();
    // Six millimetres nearer than the object's edge, which lends it neighbours at nearly its depth; the gap breaks the band.
    for (const column of [31, 32]) for (let row = 40; row < 50; row++) data[row * width + column] = 0;
    for (let row = 43; row < 48; row++)
      for (const column of [30, 31, 32]) data[row * width + column] = row === 45 ? 0.794 : 0.8;
    const lone = scenePoints(frame, mask)!;
    expect(depths(lone.obstacles).filter((z) => z > 0.76 && z < 0.9)).toEqual([]);
    for (let row = 5; row < 25; row++) for (const column of [99, 100]) data[row * width + column] = 0.6;
    expect(depths(scenePoints(frame, mask)!.obstacles).filter((z) => z === 0.6).length).toBeGreaterThan(4);
  });

  it("without a mask all are beside it; without depth there are none", () => {
    const { frame } = given();
    expect(scenePoints(frame, undefined)!.target).toHaveLength(0);
    expect(new Set(depths(scenePoints(frame, undefined)!.obstacles))).toEqual(new Set([0.75, 0.8, 1]));
    expect(scenePoints({ ...frame, depth: undefined } as unknown as RgbdFrame, undefined)).toBeUndefined();
  });
});
