import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Synchroniser } from "../../../src/ros/camera/sync.js";

const ms = (value: number): bigint => BigInt(Math.round(value * 1e6));
const at = (stamp: number, arrived = stamp / 1e3) => ({ stamp: ms(stamp), arrived, item: stamp });
const options = { tolerance: 0.02, timeout: 0.5, requireDepth: false };

describe("Synchroniser", () => {
  it("pairs equal stamps at once, whichever comes first", () => {
    const sync = new Synchroniser<number, number>(options);
    expect(sync.offerColour(at(100))).toEqual([]);
    expect(sync.offerDepth(at(100))).toMatchObject([
      { colour: { item: 100 }, depth: { item: 100 }, skew: 0 },
    ]);
    sync.offerDepth(at(133));
    expect(sync.offerColour(at(133))).toMatchObject([{ colour: { item: 133 }, depth: { item: 133 } }]);
  });

  it("waits for the nearer of two depths", () => {
    const sync = new Synchroniser<number, number>(options);
    sync.offerDepth(at(90));
    expect(sync.offerColour(at(100))).toEqual([]);
    expect(sync.offerDepth(at(103))).toMatchObject([{ colour: { item: 100 }, depth: { item: 103 } }]);
    expect(sync.lastSkew).toBeCloseTo(0.003, 9);
  });

  it("says by how much nothing pairs, and hands colour out alone", () => {
    const sync = new Synchroniser<number, number>(options);
    sync.offerColour(at(100));
    const [alone] = sync.offerDepth(at(150));
    expect(alone?.depth).toBeUndefined();
    expect(sync.problem).toContain("nearest depth is 50.0 ms from colour and sync_tolerance is 20.0 ms");
    expect(sync.unpaired).toBe(1);
  });

  it("hands out nothing without depth when depth is required", () => {
    const sync = new Synchroniser<number, number>({ ...options, requireDepth: true });
    sync.offerColour(at(100));
    expect(sync.expire(10)).toEqual([]);
    expect(sync.unpaired).toBe(1);
    expect(sync.problem).toContain("no depth has arrived");
  });

  it("uses each depth once, pairs within the tolerance, in order, and holds little", () => {
    const stream = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 5_000 })), { maxLength: 200 });
    fc.assert(
      fc.property(stream, (messages) => {
        const sync = new Synchroniser<number, number>(options);
        const used = new Set<number>();
        messages.forEach(([isColour, stamp], i) => {
          const message = { stamp: ms(stamp), arrived: i * 0.01, item: i };
          for (const { depth, skew } of isColour ? sync.offerColour(message) : sync.offerDepth(message)) {
            if (depth === undefined) continue;
            expect(used.has(depth.item)).toBe(false);
            used.add(depth.item);
            expect(Math.abs(skew!)).toBeLessThanOrEqual(0.02);
          }
          expect(sync.waiting).toBeLessThanOrEqual(16);
        });
      }),
    );
  });
});
