import { describe, expect, it } from "vitest";
import type { Box, ColourImage } from "../../../../src/geometry/index.js";
import { descriptorOf, similarity } from "../../../../src/grounding/hifics/descriptor.js";
import type { Alternative, Grounding } from "../../../../src/grounding/index.js";
import { equalRivals, rivalProbability } from "../../../../src/grounding/query/rivals.js";
import { detectionOf, draw, height, width } from "./drawn.js";

const left: Box = [40, 100, 80, 140];
const right: Box = [220, 100, 260, 140];
const near: Box = [84, 100, 124, 140];

/** What a model that draws whole objects says: how it shares its place map among them. */
function answer(shares: readonly (readonly [Box, number, Float32Array?])[], presence = 0.95): Grounding {
  const alternatives: Alternative[] = shares.map(([box, score, descriptor]) => ({
    ...detectionOf(box, score),
    ...(descriptor !== undefined && { descriptor }),
  }));
  const data = new Float32Array(width * height);
  for (const [box] of shares)
    for (let y = box[1]; y < box[3]; y++) data.fill(0.9, y * width + box[0], y * width + box[2]);
  return {
    query: "the mug",
    model: "drawn",
    found: true,
    detections: alternatives.slice(0, 1),
    alternatives,
    presence,
    heatmap: { width, height, data },
    timings: {},
  };
}

const { colour } = draw([{ box: left, named: /mug/ }]);
const boxesOf = (rivals: Awaited<ReturnType<typeof equalRivals>>) =>
  rivals.map(({ detection }) => detection.box);

describe("a second object of the kind", () => {
  /** A crop that shows the kind in its middle, with this part of its place map. */
  const middle =
    (mass: number, presence = 0.95) =>
    async (crop: ColourImage) => {
      const half = [20, 20] as const;
      const [x, y] = [crop.width / 2, crop.height / 2];
      return answer([[[x - half[0], y - half[1], x + half[0], y + half[1]], mass]], presence);
    };
  const own = answer([
    [left, 0.8],
    [right, 0.1],
  ]);

  it("is one when the kind's map is shared and the crop shows it", async () => {
    const kinds = [
      answer([
        [left, 0.5],
        [right, 0.45],
      ]),
    ];
    expect(boxesOf(await equalRivals(colour, own, kinds, { width }, middle(0.9)))).toEqual([left, right]);
  });

  it("is none when its share is small and the crop shows nothing", async () => {
    const kinds = [
      answer([
        [left, 0.8],
        [right, 0.08],
      ]),
    ];
    expect(boxesOf(await equalRivals(colour, own, kinds, { width }, middle(0.02, 0.3)))).toEqual([left]);
  });

  it("is not denied by a crop that shows the first object as well, and gives it the kind", async () => {
    const kinds = [
      answer([
        [left, 0.5],
        [near, 0.45],
      ]),
    ];
    const beside = async (crop: ColourImage) => {
      const [x, y] = [crop.width / 2, crop.height / 2];
      return answer([[[x - 64, y - 20, x - 24, y + 20], 0.95]]);
    };
    const two = answer([[left, 0.9]]);
    expect(boxesOf(await equalRivals(colour, two, kinds, { width }, beside))).toEqual([left, near]);
  });
});

it("more of any evidence makes a rival more probable", () => {
  const some = { share: -1, similarity: 0.6, mass: 0.5, presence: 0.9, own: 0.1 };
  for (const key of Object.keys(some) as (keyof typeof some)[])
    expect(rivalProbability({ ...some, [key]: some[key] + 0.2 })).toBeGreaterThan(rivalProbability(some));
});

describe("a descriptor", () => {
  const map = { type: "float32", dims: [1, 2, 24, 32], data: new Float32Array(2 * 24 * 32) } as const;
  // One channel on the left half, the other on the right half.
  for (let i = 0; i < 24 * 32; i++) map.data[(i % 32 < 16 ? 0 : 1) * 24 * 32 + i] = 1;
  const of = (box: Box) => descriptorOf({ map }, detectionOf(box).mask)!;

  it("is the same for objects on the same features, and another on others", () => {
    expect(similarity(of([20, 20, 60, 60]), of([90, 100, 130, 180]))).toBeCloseTo(1, 5);
    expect(similarity(of([20, 20, 60, 60]), of([220, 100, 260, 180]))).toBeCloseTo(0, 5);
  });

  it("is absent where the features are on another machine", () => {
    const elsewhere = { type: "float32", dims: [1, 2, 24, 32], data: new Float32Array(0) } as const;
    expect(descriptorOf({ elsewhere }, detectionOf(left).mask)).toBeUndefined();
  });
});
