import fc from "fast-check";
import { expect, it } from "vitest";
import { colourAt, paintMaskEdge, placeLabels } from "../../../src/visualization/style.js";

const image = { width: 640, height: 480 };
const box = fc
  .tuple(fc.integer({ min: -20, max: 620 }), fc.integer({ min: -20, max: 460 }), fc.nat(200), fc.nat(200))
  .map(([x, y, w, h]) => [x, y, x + w + 1, y + h + 1] as const);
const label = fc.record({
  width: fc.integer({ min: 20, max: 400 }),
  height: fc.integer({ min: 12, max: 30 }),
});

it("places labels inside the image, none over another", () => {
  let placed = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.option(box, { nil: undefined }), label), { maxLength: 8 }), (all) => {
      const sizes = all.map(([, size]) => size);
      const places = placeLabels(
        all.map(([at]) => at),
        sizes,
        image,
      );
      const areas = places.flatMap((place, i) =>
        place === undefined
          ? []
          : [{ ...place, x2: place.x + sizes[i]!.width, y2: place.y + sizes[i]!.height }],
      );
      placed += areas.length;
      for (const [i, a] of areas.entries()) {
        expect(a.x >= 0 && a.y >= 0 && a.x2 <= image.width && a.y2 <= image.height).toBe(true);
        for (const b of areas.slice(i + 1))
          expect(a.x < b.x2 && b.x < a.x2 && a.y < b.y2 && b.y < a.y2).toBe(false);
      }
    }),
    { numRuns: 1000, seed: 5 },
  );
  expect(placed).toBeGreaterThan(3000);
});

it("places a label above its box where there is room, and leaves out one that is larger than the image", () => {
  const size = { width: 100, height: 20 };
  expect(placeLabels([[100, 100, 200, 200]], [size], image)).toEqual([{ x: 100, y: 80 }]);
  expect(placeLabels([[100, 100, 200, 200]], [{ width: 700, height: 20 }], image)).toEqual([undefined]);
});

it("outlines a mask and leaves its inside clear", () => {
  const [width, height] = [200, 160];
  const data = new Uint8Array(width * height);
  for (let y = 40; y < 120; y++) data.fill(1, y * width + 50, y * width + 150);
  const rgba = new Uint8Array(width * height * 4);
  paintMaskEdge(rgba, { width, height, data }, colourAt(1));
  const at = (x: number, y: number) => [...rgba.subarray((y * width + x) * 4, (y * width + x) * 4 + 4)];
  expect(at(50, 80)).toEqual([...colourAt(1), 242]);
  expect(at(149, 119)[3]).toBe(242);
  // A glow that fades inwards, then nothing; nothing outside.
  expect(at(52, 80)[3]).toBeLessThan(90);
  expect(at(52, 80)[3]).toBeGreaterThan(0);
  expect(at(100, 80)).toEqual([0, 0, 0, 0]);
  expect(at(49, 80)).toEqual([0, 0, 0, 0]);
});

it("outlines a mask of one pixel, one at the rim, and none at all", () => {
  const rgba = new Uint8Array(8 * 8 * 4);
  const data = new Uint8Array(64);
  paintMaskEdge(rgba, { width: 8, height: 8, data }, colourAt(0));
  expect(rgba.every((value) => value === 0)).toBe(true);
  data[0] = 1;
  data[63] = 1;
  paintMaskEdge(rgba, { width: 8, height: 8, data }, colourAt(0));
  expect([rgba[3], rgba[63 * 4 + 3], rgba[7]]).toEqual([242, 242, 0]);
});
