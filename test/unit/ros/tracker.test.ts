import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Box } from "../../../src/geometry/index.js";
import { Tracker } from "../../../src/ros/results/tracker.js";

const second = 1_000_000_000n;
const box = (x: number, y = 100): Box => [x, y, x + 50, y + 40];

describe("tracking ids", () => {
  it("stay with two objects that pass each other, whatever their order in the list", () => {
    const tracker = new Tracker();
    const { ids } = tracker.update([box(0), box(400, 130)], 0n, 1);
    const [left, right] = ids;
    expect(left).not.toBe(right);
    for (let i = 1; i <= 20; i++) {
      const boxes = [box(i * 20), box(400 - i * 20, 130)];
      const swapped = i % 2 === 1;
      const now = tracker.update(swapped ? boxes.toReversed() : boxes, BigInt(i) * (second / 10n), 1);
      expect(now.ids).toEqual(swapped ? [right, left] : [left, right]);
    }
  });

  it("follow a fast object whose boxes do not overlap, and no object far away", () => {
    const tracker = new Tracker();
    const [id] = tracker.update([box(0)], 0n, 1).ids;
    expect(tracker.update([box(60)], second / 10n, 1).ids).toEqual([id]);
    expect(tracker.update([box(400)], second / 5n, 1).ids).not.toEqual([id]);
  });

  it("come back within the timeout, and end after it", () => {
    const tracker = new Tracker();
    const [id] = tracker.update([box(0)], 0n, 1).ids;
    expect(tracker.update([], second / 2n, 1)).toEqual({ ids: [], ended: [] });
    expect(tracker.update([box(5)], second, 1).ids).toEqual([id]);
    expect(tracker.update([], 3n * second, 1).ended).toEqual([id]);
    const later = tracker.update([box(5)], 4n * second, 1).ids;
    expect(later).not.toEqual([id]);
    expect(tracker.clear()).toEqual(later);
  });

  it("are never given twice in one image, nor to another object later", () => {
    const boxes = fc.array(fc.tuple(fc.integer({ max: 600, min: 0 }), fc.integer({ max: 400, min: 0 })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(boxes, { maxLength: 12 }), (images) => {
        const tracker = new Tracker();
        const ended = new Set<string>();
        images.forEach((each, i) => {
          const now = tracker.update(
            each.map(([x, y]) => box(x, y)),
            BigInt(i) * second,
            2,
          );
          expect(new Set(now.ids).size).toBe(each.length);
          for (const id of now.ended) ended.add(id);
          for (const id of now.ids) expect(ended.has(id)).toBe(false);
        });
      }),
    );
  });
});
