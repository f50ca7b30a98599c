import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Quaternion, rotate, transformPoint, type Vec3 } from "../../../src/geometry/index.js";
import { timeOf } from "../../../src/messages/index.js";
import { TfBuffer } from "../../../src/messages/tf-buffer.js";

const second = 1_000_000_000n;
const identity: Quaternion = [0, 0, 0, 1];

function message(parent: string, child: string, stamp: bigint, p: Vec3, q: Quaternion = identity) {
  const translation = { x: p[0], y: p[1], z: p[2] };
  const rotation = { x: q[0], y: q[1], z: q[2], w: q[3] };
  return {
    transforms: [
      {
        header: { stamp: timeOf(stamp), frame_id: parent },
        child_frame_id: child,
        transform: { translation, rotation },
      },
    ],
  };
}

describe("TfBuffer", () => {
  it("chains, inverts and interpolates", () => {
    const buffer = new TfBuffer();
    const quarter: Quaternion = [0, 0, Math.SQRT1_2, Math.SQRT1_2];
    buffer.add(message("base", "arm", 0n, [1, 0, 0], quarter), true);
    buffer.add(message("arm", "camera", 1n * second, [0, 0, 0]), false);
    buffer.add(message("arm", "camera", 2n * second, [1, 0, 0], quarter), false);
    const half = buffer.lookup("base", "camera", (3n * second) / 2n);
    if (!half.ok) throw new Error(half.reason);
    // Half way: 0.5 along the arm's x, which is the base's y; turned by 90 + 45 degrees.
    expect(half.pose.position[0]).toBeCloseTo(1, 12);
    expect(half.pose.position[1]).toBeCloseTo(0.5, 12);
    const axis = rotate(half.pose.orientation, [1, 0, 0]);
    expect(axis[0]).toBeCloseTo(Math.cos((135 * Math.PI) / 180), 12);
    const back = buffer.lookup("camera", "base", (3n * second) / 2n);
    if (!back.ok) throw new Error(back.reason);
    const there = transformPoint(back.pose, transformPoint(half.pose, [0.1, 0.2, 0.3]));
    expect(there[0]).toBeCloseTo(0.1, 12);
    expect(there[2]).toBeCloseTo(0.3, 12);
  });

  it("never extrapolates: says which transform lacks how much", () => {
    const buffer = new TfBuffer();
    buffer.add(message("base", "camera", 1n * second, [0, 0, 0]), false);
    buffer.add(message("base", "camera", 2n * second, [0, 0, 0]), false);
    expect(buffer.lookup("base", "camera", (5n * second) / 2n)).toEqual({
      ok: false,
      reason: "base -> camera ends 0.500 s before the image",
      retry: true,
    });
    expect(buffer.lookup("base", "camera", second / 2n)).toMatchObject({
      reason: "base -> camera begins 0.500 s after the image",
      retry: false,
    });
    expect(buffer.lookup("base", "nowhere", 0n)).toMatchObject({ reason: "frame nowhere is not in TF" });
  });

  it("refuses what is no rigid transform, and survives cycles", () => {
    const buffer = new TfBuffer();
    expect(buffer.add(message("a", "b", 0n, [0, 0, 0], [0, 0, 0, 0]), true)).toBe(1);
    expect(buffer.add(message("a", "b", 0n, [Number.NaN, 0, 0]), true)).toBe(1);
    expect(buffer.add(message("a", "a", 0n, [0, 0, 0]), true)).toBe(1);
    buffer.add(message("a", "b", 0n, [0, 0, 0]), true);
    buffer.add(message("b", "a", 0n, [0, 0, 0]), true);
    expect(buffer.lookup("c", "a", 0n).ok).toBe(false);
  });

  it("keeps no more than its cache, in any order of arrival", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 2, maxLength: 100 }),
        (stamps) => {
          const buffer = new TfBuffer(10);
          for (const each of stamps)
            buffer.add(message("a", "b", BigInt(each) * 1_000_000n, [each, 0, 0]), false);
          const newest = Math.max(...stamps);
          const result = buffer.lookup("a", "b", BigInt(newest) * 1_000_000n);
          expect(result.ok && result.pose.position[0]).toBe(newest);
        },
      ),
    );
  });
});
