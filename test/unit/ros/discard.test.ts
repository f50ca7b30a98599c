import { expect, test } from "vitest";
import { discard } from "../../../src/ros/discard.js";

const megabyte = 1 << 20;

test("gives memory back at once", () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 100; i++) discard(new Uint8Array(8 * megabyte), undefined, new Uint16Array(megabyte));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * megabyte);
});

test("leaves nothing behind in the arrays it frees", () => {
  const bytes = new Uint8Array(megabyte);
  discard(bytes, bytes);
  expect(bytes.byteLength).toBe(0);
  expect(() => discard(bytes)).not.toThrow();
});

test("leaves alone what shares its memory with something else", () => {
  const whole = new Uint8Array(megabyte);
  const part = whole.subarray(0, megabyte / 2);
  discard(part);
  expect(part.byteLength).toBe(megabyte / 2);
});
