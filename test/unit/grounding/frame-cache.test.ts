import { describe, expect, it } from "vitest";
import { FrameCache } from "../../../src/grounding/hifics/frame-cache.js";

const image = (width: number, height: number, value: number) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
});

describe("frames known again by their bytes", () => {
  it("finds an equal image in other memory, and none that differs in one byte or in shape", () => {
    const cache = new FrameCache<string>(4);
    cache.set(image(8, 9, 1), "a");
    expect(cache.get(image(8, 9, 1))).toBe("a");
    expect(cache.get(image(9, 8, 1))).toBeUndefined();
    const other = image(8, 9, 1);
    other.data[8 * 9 * 3 - 1] = 2;
    expect(cache.get(other)).toBeUndefined();
  });

  it("does not take a camera's next image, written into the same memory, for the last one", () => {
    const cache = new FrameCache<string>(4);
    const frame = image(8, 8, 1);
    cache.set(frame, "a");
    frame.data[0] = 9;
    expect(cache.get(frame)).toBeUndefined();
  });

  it("compares the JPEG where there is one", () => {
    const cache = new FrameCache<string>(4);
    cache.set({ ...image(8, 8, 1), jpeg: Uint8Array.of(1, 2) }, "a");
    expect(cache.get({ ...image(8, 8, 7), jpeg: Uint8Array.of(1, 2) })).toBe("a");
    expect(cache.get({ ...image(8, 8, 1), jpeg: Uint8Array.of(1, 3) })).toBeUndefined();
  });

  it("drops the image used longest ago, and what it is told to", () => {
    const cache = new FrameCache<string>(2);
    cache.set(image(8, 8, 1), "a");
    cache.set(image(8, 8, 2), "b");
    cache.get(image(8, 8, 1));
    cache.set(image(8, 8, 3), "c");
    expect(cache.get(image(8, 8, 2))).toBeUndefined();
    expect(cache.get(image(8, 8, 1))).toBe("a");
    cache.delete("a");
    expect(cache.get(image(8, 8, 1))).toBeUndefined();
    expect(() => new FrameCache(0)).toThrow(RangeError);
  });
});
