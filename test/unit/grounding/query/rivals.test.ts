import { describe, expect, it } from "vitest";
import type { Box, ColourImage } from "../../../../src/geometry/index.js";
import type { Grounding } from "../../../../src/grounding/index.js";
import { equalRivals, rivalProbability } from "../../../../src/grounding/query/rivals.js";
import { detectionOf, draw, height, width } from "./drawn.js";

const left: Box = [40, 100, 80, 140];
const right: Box = [220, 100, 260, 140];
const far: Box = [140, 20, 170, 50];

/** What a model that draws whole objects says: how it shares its place map among them. */
function answer(shares: readonly (readonly [Box, number])[], presence = 0.95): Grounding {
  const alternatives = shares.map(([box, score]) => detectionOf(box, score));
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

const { colour } = draw([left, right, far].map((box) => ({ box, named: /mug/ })));
const boxesOf = (rivals: Awaited<ReturnType<typeof equalRivals>>) =>
  rivals.map(({ detection }) => detection.box);

describe("a second object of the kind", () => {
  const own = answer([
    [left, 0.8],
    [right, 0.1],
  ]);
  const kinds = [
    answer([
      [left, 0.5],
      [right, 0.45],
    ]),
  ];
  /** Answers one after the other, and notes the images that they are about. */
  const looks = (...answers: readonly Grounding[]) => {
    const images: ColourImage[] = [];
    const look = async (image: ColourImage) => answers[images.push(image) - 1];
    return { images, look };
  };

  it("is one that the model finds once the first is erased", async () => {
    const { images, look } = looks(answer([[right, 0.9]]), answer([[far, 0.3]], 0.1));
    expect(boxesOf(await equalRivals(colour, own, kinds, { width }, look))).toEqual([left, right]);
    const at = (image: ColourImage, x: number, y: number) => image.data[(y * width + x) * 3];
    expect(at(colour, 60, 120)).toBe(120);
    expect(at(images[0]!, 60, 120)).toBeGreaterThan(240);
    expect(at(images[0]!, 240, 120)).toBe(120);
    // Then the second is erased as well.
    expect(at(images[1]!, 240, 120)).toBeGreaterThan(240);
  });

  it("is none when the model calls it absent without the first", async () => {
    const alone = [
      answer([
        [left, 0.9],
        [right, 0.05],
      ]),
    ];
    const { look } = looks(answer([[right, 0.4]], 0.08));
    expect(boxesOf(await equalRivals(colour, own, alone, { width }, look))).toEqual([left]);
  });

  it("is not the place where the first one was", async () => {
    const { look } = looks(answer([[left, 0.95]], 0.95));
    const alone = answer([[left, 0.9]]);
    expect(boxesOf(await equalRivals(colour, alone, [alone], { width }, look))).toEqual([left]);
  });

  it("may be two, and no more: a question names three objects", async () => {
    const three = [
      answer([
        [left, 0.3],
        [right, 0.3],
        [far, 0.3],
      ]),
    ];
    const { images, look } = looks(answer([[right, 0.8]]), answer([[far, 0.9]]));
    expect(boxesOf(await equalRivals(colour, own, three, { width }, look))).toEqual([left, right, far]);
    expect(images).toHaveLength(2);
  });
});

it("evidence makes a rival more or less probable", () => {
  const some = { presence: 0.6, share: 0.3, own: 0.1, area: 1 };
  for (const key of ["presence", "share", "own"] as const)
    expect(rivalProbability({ ...some, [key]: some[key] + 0.2 })).toBeGreaterThan(rivalProbability(some));
  for (const area of [0.2, 5])
    expect(rivalProbability({ ...some, area })).toBeLessThan(rivalProbability(some));
});
