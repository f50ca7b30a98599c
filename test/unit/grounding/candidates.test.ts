import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Box,
  cropColour,
  type Mask,
  maskArea,
  maskIou,
  uniteBoxes,
} from "../../../src/geometry/index.js";
import { closeUp, lookCloser } from "../../../src/grounding/hifics/closer-look.js";
import type { Decoded } from "../../../src/grounding/hifics/outputs.js";
import { answerScore, logit, probabilities } from "../../../src/grounding/hifics/score.js";
import { type Candidates, type Detection, instancesFromCandidates } from "../../../src/grounding/index.js";
import { expectSame, plainInstances, sizes } from "../../support/plain-instances.js";

type Cells = readonly (readonly [number, number, number, number])[];

/** Candidates on a map of 16 × 12 cells, each of some rectangles x1, y1, x2, y2. */
function candidates(shapes: readonly { readonly cells: Cells; readonly mass: number }[]): Candidates {
  const [width, height] = [16, 12];
  const logits = new Float32Array(shapes.length * width * height).fill(-8);
  shapes.forEach(({ cells }, k) => {
    for (const [x1, y1, x2, y2] of cells)
      for (let y = y1; y < y2; y++) for (let x = x1; x < x2; x++) logits[(k * height + y) * width + x] = 8;
  });
  return {
    width,
    height,
    logits,
    mass: Float32Array.from(shapes, ({ mass }) => mass),
    quality: new Float32Array(shapes.length).fill(0.9),
  };
}
const image = { width: 160, height: 120 };

describe("instances drawn by the decoder", () => {
  it("come in the order of their mass, without their near-duplicates", () => {
    const found = instancesFromCandidates(
      candidates([
        { cells: [[1, 1, 4, 4]], mass: 0.3 },
        { cells: [[8, 2, 13, 8]], mass: 0.5 },
        { cells: [[8, 2, 13, 7]], mass: 0.48 },
      ]),
      image,
    );
    expect(found.map(({ score }) => Math.round(score * 100))).toEqual([50, 30]);
    const [x1, y1, x2, y2] = found[0]!.box;
    for (const [value, wanted] of [
      [x1, 80],
      [y1, 20],
      [x2, 130],
      [y2, 80],
    ] as const)
      expect(Math.abs(value - wanted)).toBeLessThanOrEqual(1);
  });

  it("may be in two pieces, and lose specks", () => {
    const [only] = instancesFromCandidates(
      candidates([
        {
          cells: [
            [1, 4, 5, 8],
            [9, 4, 13, 8],
            [15, 11, 16, 12],
          ],
          mass: 0.9,
        },
      ]),
      image,
    );
    expect(only!.box[0]).toBeLessThanOrEqual(11);
    expect(only!.box[2]).toBeGreaterThanOrEqual(129);
    expect(only!.box[2]).toBeLessThanOrEqual(131);
    expect(Math.abs(maskArea(only!.mask) - 2 * 40 * 40)).toBeLessThan(200);
  });

  it("leave out what has little mass beside the best, and empty masks", () => {
    const shapes = [
      { cells: [[1, 1, 4, 4]] as Cells, mass: 0.6 },
      { cells: [] as Cells, mass: 0.9 },
      { cells: [[8, 2, 13, 8]] as Cells, mass: 0.2 },
    ];
    expect(instancesFromCandidates(candidates(shapes), image).length).toBe(1);
    expect(instancesFromCandidates(candidates(shapes), image, { relativeMass: 0 }).length).toBe(2);
  });
});

describe("instances of any candidates", () => {
  const cut = (threshold: number) => Math.log(threshold / (1 - threshold));
  const problems = fc.constantFrom(0.3, 0.5, 0.9).chain((threshold) =>
    sizes(24, 10).chain(({ width, height }) => {
      // Near the threshold a probability may reach it by rounding alone.
      const near = fc.integer({ min: -40, max: 40 }).map((n) => cut(threshold) + n * 1e-8);
      const far = fc.constantFrom(-200, -8, -1, 1, 8, 200);
      const length = 3 * width * height;
      return fc.record({
        threshold: fc.constant(threshold),
        width: fc.constant(width),
        height: fc.constant(height),
        logits: fc.array(fc.oneof(far, near), { minLength: length, maxLength: length }),
        mass: fc.array(fc.constantFrom(0.2, 0.5, 0.9), { minLength: 3, maxLength: 3 }),
      });
    }),
  );

  it("are those of whole maps of probabilities and whole masks", () => {
    let found = 0;
    const options = fc.record({
      relativeMass: fc.constantFrom(0, 0.6),
      maxOverlap: fc.constantFrom(0.2, 0.5),
      minArea: fc.constantFrom(0, 0.1),
    });
    fc.assert(
      fc.property(problems, sizes(50, 30), options, ({ threshold, ...given }, size, limits) => {
        const all: Candidates = {
          ...given,
          logits: Float32Array.from(given.logits),
          mass: Float32Array.from(given.mass),
          quality: new Float32Array(3),
        };
        const seen = instancesFromCandidates(all, size, { ...limits, threshold });
        const expected = plainCandidates(all, size, { ...limits, threshold });
        expectSame(seen, expected);
        found += seen.length;
      }),
      { numRuns: 150 },
    );
    expect(found).toBeGreaterThan(100);
  });

  /** By their definition: masks at the model's resolution, then the parts of each one's probabilities. */
  function plainCandidates(
    { width, height, logits, mass }: Candidates,
    size: { width: number; height: number },
    options: { threshold: number; relativeMass: number; maxOverlap: number; minArea: number },
  ) {
    const plane = width * height;
    const taken: Mask[] = [];
    const found: { box: Box; score: number; mask: Uint8Array }[] = [];
    for (const k of [...mass.keys()].sort((a, b) => mass[b]! - mass[a]!)) {
      if (mass[k]! < (found[0]?.score ?? 0) * options.relativeMass) break;
      const own = logits.subarray(k * plane, (k + 1) * plane);
      const small = {
        width,
        height,
        data: Uint8Array.from(own, (x) => (x >= cut(options.threshold) ? 1 : 0)),
      };
      if (maskArea(small) < Math.max(1, options.minArea * plane)) continue;
      if (taken.some((other) => maskIou(small, other) > options.maxOverlap)) continue;
      const heatmap = { width, height, data: probabilities(own, 1).data };
      const parts = plainInstances(heatmap, size, options.threshold)
        .slice(0, 20)
        .map((part) => ({ ...part, area: part.mask.reduce((sum, pixel) => sum + pixel, 0) }));
      const most = Math.max(...parts.map(({ area }) => area));
      const large = parts.filter(({ area }) => area >= 0.2 * most);
      if (large.length === 0) continue;
      const mask = new Uint8Array(size.width * size.height);
      for (const part of large) for (const i of part.mask.keys()) if (part.mask[i] === 1) mask[i] = 1;
      taken.push(small);
      found.push({ box: large.map(({ box }) => box).reduce(uniteBoxes), score: Math.min(1, mass[k]!), mask });
    }
    return found;
  }
});

describe("a closer look", () => {
  const colour = { width: 160, height: 120, data: new Uint8Array(160 * 120 * 3) };
  const detection = (x: number, score: number): Detection => ({
    box: [x, 40, x + 20, 60],
    score,
    mask: { width: 160, height: 120, data: new Uint8Array(160 * 120) },
  });
  const seen = (presence: number): Decoded => ({
    heatmap: { width: 1, height: 1, data: new Float32Array(1) },
    presence,
  });

  it("changes the order when the crops say otherwise", async () => {
    const asked: number[] = [];
    const found = await lookCloser(colour, [detection(20, 0.4), detection(100, 0.35)], async (crop) => {
      asked.push(crop.width);
      return seen(asked.length === 1 ? 0.05 : 0.95);
    });
    expect(found.map(({ box }) => box[0])).toEqual([100, 20]);
    expect(found.map(({ score }) => score)).toEqual([0.35, 0.4]);
  });

  it("is not taken where the first look is sure, or has nothing to choose from", async () => {
    const never = () => Promise.reject(new Error("looked"));
    await expect(lookCloser(colour, [detection(20, 0.9), detection(100, 0.05)], never)).resolves.toHaveLength(
      2,
    );
    await expect(lookCloser(colour, [detection(20, 0.4)], never)).resolves.toHaveLength(1);
    await expect(lookCloser(colour, [], never)).resolves.toHaveLength(0);
  });

  it("crops whole pixels inside the image around the box", () => {
    for (const box of [
      [0, 0, 10, 10],
      [150, 110, 160, 120],
      [0, 0, 160, 120],
      [70, 10, 74, 100],
    ] as const) {
      const region = closeUp(box, colour);
      expect(region.every(Number.isInteger)).toBe(true);
      expect(region[0]).toBeGreaterThanOrEqual(0);
      expect(region[1]).toBeGreaterThanOrEqual(0);
      expect(region[2]).toBeLessThanOrEqual(160);
      expect(region[3]).toBeLessThanOrEqual(120);
      expect(region[0]).toBeLessThanOrEqual(box[0]);
      expect(region[3]).toBeGreaterThanOrEqual(box[3]);
      const crop = cropColour(colour, region);
      expect([crop.width, crop.height]).toEqual([region[2] - region[0], region[3] - region[1]]);
    }
  });
});

it("a fitted score is a probability that grows with both looks; without weights it is their product", () => {
  const manifest = { score: { bias: -0.5, mass: 0.7, presence: 0.4 } } as Parameters<typeof answerScore>[2];
  expect(answerScore(0.9, 0.9, manifest)).toBeGreaterThan(answerScore(0.5, 0.9, manifest));
  expect(answerScore(0.9, 0.9, manifest)).toBeGreaterThan(answerScore(0.9, 0.5, manifest));
  expect(answerScore(1, 1, manifest)).toBeLessThan(1);
  expect(answerScore(0.5, 0.5, {} as Parameters<typeof answerScore>[2])).toBeCloseTo(0.25);
});

it("the logit of a certain answer is bounded", () => {
  expect(logit(0.5, 0.001)).toBe(0);
  expect(logit(1, 0.001)).toBeCloseTo(Math.log(999));
  expect(logit(0, 1e-6)).toBeCloseTo(-Math.log(999_999));
});
