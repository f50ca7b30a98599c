import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imageLoss } from "../../../src/ros/camera/image-loss.js";
import { Synchroniser } from "../../../src/ros/camera/sync.js";
import { objectBox } from "../../../src/ros/results/object-box.js";

const ms = (value: number): bigint => BigInt(Math.round(value * 1e6));
const stamps = (count: number, period: number, jitter: (i: number) => number = () => 0) =>
  Array.from({ length: count }, (_, i) => ms(1_000 + i * period + jitter(i)));

describe("lost images", () => {
  it("are the camera infos without an image of the same stamp", () => {
    const infos = stamps(50, 100);
    const images = infos.filter((_, i) => i % 6 === 0);
    const loss = imageLoss(images, infos);
    // The last half second may still be on its way.
    expect(loss?.sent).toBe(45);
    expect(loss?.arrived).toBe(8);
    expect(imageLoss(infos, infos)).toEqual({ sent: 45, arrived: 45 });
  });

  it("are gaps of several periods when no camera info tells", () => {
    const all = stamps(40, 100, (i) => (i % 3) - 1);
    const images = all.filter((_, i) => i % 4 !== 1);
    const loss = imageLoss(images, [])!;
    expect(loss.arrived / loss.sent).toBeCloseTo(0.75, 1);
    expect(imageLoss(all, [])).toEqual({ sent: 40, arrived: 40 });
  });

  it("are not guessed from a few images or from a camera without a rate", () => {
    expect(imageLoss(stamps(5, 100), [])).toBeUndefined();
    expect(imageLoss([], stamps(30, 100))).toBeUndefined();
    const irregular = [0, 137, 180, 420, 433, 777, 901, 1_004, 1_333, 1_481, 1_870].map((at) => ms(at));
    expect(imageLoss(irregular, [])).toBeUndefined();
  });

  it("are never more than were sent", () => {
    const times = fc.uniqueArray(fc.integer({ min: 0, max: 100_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(times, times, (images, infos) => {
        const loss = imageLoss(images.map(ms), infos.map(ms));
        if (loss !== undefined) expect(loss.arrived).toBeLessThanOrEqual(loss.sent);
      }),
    );
  });
});

describe("depth that comes too late", () => {
  const at = (stamp: number, arrived: number) => ({ stamp: ms(stamp), arrived, item: stamp });

  it("asks for a longer sync_timeout, not for a larger sync_tolerance", () => {
    const sync = new Synchroniser<number, number>({ tolerance: 0.02, timeout: 0.5, requireDepth: false });
    for (let i = 0; i < 20; i++) {
      sync.offerColour(at(i * 100, i / 10));
      if (i >= 7) sync.offerDepth(at((i - 7) * 100, i / 10));
    }
    expect(sync.problem).toContain(
      "arrives 700.0 ms after colour and sync_timeout is 500.0 ms; raise sync_timeout",
    );
    sync.options = { tolerance: 0.02, timeout: 1, requireDepth: false };
    let pairs = 0;
    for (let i = 20; i < 60; i++) {
      sync.offerColour(at(i * 100, i / 10));
      pairs += sync.offerDepth(at((i - 7) * 100, i / 10)).filter(({ depth }) => depth !== undefined).length;
    }
    expect(pairs).toBeGreaterThan(25);
    expect(sync.problem).toBeUndefined();
  });
});

describe("the box of an object", () => {
  const pose = { position: [1, 2, 3], orientation: [0, 0, Math.SQRT1_2, Math.SQRT1_2] } as const;

  it("is along the axes of the frame that the pose leads to, without the outermost points", () => {
    const points = new Float32Array(300 * 3);
    for (let i = 0; i < 300; i++) points.set([i / 1_000, (i % 10) / 100, 0.5], i * 3);
    points.set([9, 9, 9], 0);
    const { center, size } = objectBox(points, pose)!;
    // Turned by 90 degrees about z: x of the object is y of the frame.
    expect(size[1]).toBeCloseTo(0.294, 2);
    expect(size[0]).toBeCloseTo(0.09, 2);
    expect(size[2]).toBeCloseTo(0.001, 6);
    expect(center[1]).toBeCloseTo(2.15, 2);
    expect(center[2]).toBeCloseTo(3.5, 5);
  });

  it("is none without points", () => {
    expect(objectBox(new Float32Array(), pose)).toBeUndefined();
  });
});
