import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Box, boxIou, type Mask, maskFromBox, maskIou } from "../../../../src/geometry/index.js";
import { detectionsOfBoxes } from "../../../../src/grounding/boxes/box-masks.js";
import { paintBoxes } from "../../../../src/grounding/boxes/paint.js";
import { detectorPhrase } from "../../../../src/grounding/boxes/phrase.js";
import { selectBoxes } from "../../../../src/grounding/boxes/select.js";
import { captionsOf, phraseTokens } from "../../../../src/grounding/grounding-dino/caption.js";
import type { Heatmap } from "../../../../src/grounding/index.js";
import { chooseMask } from "../../../../src/grounding/refine/choose.js";
import { promptOf } from "../../../../src/grounding/refine/prompt.js";
import { tabletop } from "../../../support/tabletop.js";

describe("a detector's phrase", () => {
  it.each([
    ["the red mug", "red mug"],
    ["A banana!", "banana"],
    ["another mug.", "another mug"],
    ["The", "the"],
    ["...", "..."],
  ])("%s -> %s", (query, phrase) => expect(detectorPhrase(query)).toBe(phrase));
});

describe("captions of Grounding DINO", () => {
  const words = (text: string) => text.split(/\s+/).length;

  it("join phrases by full stops, and begin anew where one grows too long", () => {
    expect(captionsOf(["red mug", "blue. box", "banana"], 4, words)).toEqual([
      { text: "red mug. blue box.", phrases: [0, 1] },
      { text: "banana.", phrases: [2] },
    ]);
  });

  it("hold every phrase once, in order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,5}( [a-z]{1,5})?$/)),
        fc.integer({ min: 1, max: 9 }),
        (all, n) => {
          expect(captionsOf(all, n, words).flatMap(({ phrases }) => phrases)).toEqual(all.map((_, i) => i));
        },
      ),
    );
  });

  it("have each phrase's tokens between separators", () => {
    const separators = new Set([101, 102, 1012]);
    expect(phraseTokens([101, 7, 8, 1012, 9, 1012, 102], separators)).toEqual([[1, 2], [4]]);
    expect(phraseTokens([101, 7, 8], separators)).toEqual([[1, 2]]);
  });
});

describe("boxes that count", () => {
  const scored = (box: Box, score: number) => ({ box, score });
  const first = scored([0, 0, 10, 10], 0.9);
  const same = scored([1, 0, 11, 10], 0.8);
  const weak = scored([50, 50, 60, 60], 0.4);

  it("are each object once, best first, down to a share of the best", () => {
    expect(selectBoxes([same, weak, first], { threshold: 0.1 })).toEqual([first, weak]);
    expect(selectBoxes([same, weak, first], { threshold: 0.1, relativeScore: 0.6 })).toEqual([first]);
    expect(selectBoxes([first, weak], { threshold: 0.95 })).toEqual([]);
    expect(selectBoxes([scored([3, 3, 3, 9], 1)], { threshold: 0 })).toEqual([]);
  });

  it("never overlap more than allowed", () => {
    const box = fc
      .tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 20 })))
      .map(([x = 0, y = 0, w = 0, h = 0]): Box => [x, y, x + w + 1, y + h + 1]);
    fc.assert(
      fc.property(fc.array(fc.record({ box, score: fc.double({ min: 0, max: 1, noNaN: true }) })), (all) => {
        const kept = selectBoxes(all, { threshold: 0.2, maxOverlap: 0.5 });
        for (const [i, a] of kept.entries())
          for (const b of kept.slice(i + 1)) {
            expect(boxIou(a.box, b.box)).toBeLessThanOrEqual(0.5);
            expect(a.score).toBeGreaterThanOrEqual(b.score);
          }
      }),
    );
  });

  it("are painted with the score of the best box around each place", () => {
    const map = paintBoxes([scored([0, 0, 20, 40], 0.3), scored([10, 0, 40, 40], 0.7)], {
      width: 40,
      height: 40,
    });
    expect(map.fromBoxes).toBe(true);
    expect([map.data[5], map.data[15], map.data[39]].map((p) => Math.round(10 * (p ?? 0)))).toEqual([
      3, 7, 7,
    ]);
  });
});

const size = { width: 40, height: 40 };
const flat: Heatmap = { ...size, data: new Float32Array(1600), fromBoxes: true };

describe("prompts for SAM", () => {
  const box: Box = [10, 10, 30, 30];
  const mask = maskFromBox(40, 40, box);

  it("point at the peak of the heat on the mask", () => {
    const data = new Float32Array(1600);
    data[12 * 40 + 25] = 0.9;
    data[2 * 40 + 2] = 1;
    expect(promptOf({ box, mask }, { ...size, data }, false)).toEqual({
      ...{ box, points: [{ x: 25, y: 12, inside: true }] },
    });
  });

  it("point at the mask near the centre without a heat map, and beside the box where no box is taken", () => {
    const { points } = promptOf({ box, mask }, flat, true);
    expect(points[0]).toMatchObject({ inside: true });
    expect(Math.hypot((points[0]?.x ?? 0) - 19.5, (points[0]?.y ?? 0) - 19.5)).toBeLessThan(1);
    expect(points.slice(1)).toHaveLength(4);
    for (const { x, y, inside } of points.slice(1))
      expect([inside, x > 10 && x < 30 && y > 10 && y < 30]).toEqual([false, false]);
    const atEdge = promptOf({ box: [0, 0, 40, 20], mask }, flat, true);
    expect(atEdge.points.filter(({ inside }) => !inside)).toHaveLength(1);
  });
});

describe("the best of SAM's masks", () => {
  const box: Box = [10, 10, 30, 30];
  const own = maskFromBox(40, 40, box);
  const whole: Mask = { ...size, data: new Uint8Array(1600).fill(1) };
  const part = maskFromBox(40, 40, [10, 10, 18, 18]);
  const offer = (...masks: Mask[]) => masks.map((mask) => ({ mask, quality: 0.9 }));

  it("agrees with the heat on the detection", () => {
    const data = Float32Array.from(own.data, (v) => 0.9 * v);
    const detection = { box, score: 1, mask: own };
    expect(chooseMask(offer(whole, part, own), detection, { ...size, data })).toBe(2);
    expect(chooseMask(offer(part, whole), detection, { ...size, data })).toBeUndefined();
  });

  it("fits the box where there is nothing else, and the depth's mask where that is known", () => {
    const boxed = { box, score: 1, mask: own, maskSource: "box" } as const;
    expect(chooseMask(offer(whole, own, part), boxed, flat)).toBe(1);
    const cut = maskFromBox(40, 40, [10, 10, 19, 18]);
    expect(chooseMask(offer(own, part), { ...boxed, mask: cut, maskSource: "depth" }, flat)).toBe(1);
  });

  it("is believed less where SAM itself doubts it", () => {
    const detection = { box, score: 1, mask: own };
    const near = maskFromBox(40, 40, [10, 10, 30, 29]);
    const data = Float32Array.from(own.data);
    const doubted = [
      { mask: own, quality: 0.3 },
      { mask: near, quality: 0.95 },
    ];
    expect(chooseMask(doubted, detection, { ...size, data })).toBe(1);
  });
});

describe("masks of boxes", () => {
  const object: Box = [180, 100, 240, 160];
  const around: Box = [170, 90, 250, 170];
  const frame = tabletop([{ box: object, height: 0.1 }]);

  it("are cut by the depth image to what stands on the table", () => {
    const [found] = detectionsOfBoxes(frame, [{ box: around, score: 0.7 }]);
    expect(found).toMatchObject({ box: around, score: 0.7, maskSource: "depth" });
    const standing = maskFromBox(320, 240, object);
    expect(maskIou(found?.mask as Mask, standing)).toBeGreaterThan(0.85);
    expect(maskIou(found?.mask as Mask, maskFromBox(320, 240, around))).toBeLessThan(0.8);
  });

  it.each([
    ["nothing stands in it", frame, [20, 180, 60, 220]],
    ["only a corner of an object lies in it", frame, [230, 150, 300, 220]],
    ["what stands in it fills too little of it", frame, [0, 0, 320, 240]],
    ["there is no depth", { colour: frame.colour }, around],
    ["nobody knows the camera", { colour: frame.colour, depth: frame.depth }, around],
    [
      "the depth image is of another size",
      { ...frame, colour: { ...frame.colour, width: 160, height: 120 } },
      [10, 10, 60, 60],
    ],
  ] as const)("are the whole box where %s", (_, given, box) => {
    const { width, height } = given.colour;
    const [found] = detectionsOfBoxes(given as typeof frame, [{ box: [...box] as Box, score: 0.5 }]);
    expect(found?.maskSource).toBe("box");
    expect(found?.mask).toEqual(maskFromBox(width, height, [...box] as Box));
  });
});
