import { describe, expect, it } from "vitest";
import { presenceByErasing, presenceLimits } from "../../../src/grounding/hifics/erased-look.js";
import type { Decoded } from "../../../src/grounding/hifics/outputs.js";
import type { ColourImage, Detection } from "../../../src/index.js";
import { detectionOf, height, width } from "./query/drawn.js";

const image: ColourImage = { width, height, data: new Uint8Array(width * height * 3).fill(200) };
for (let y = 80; y < 130; y++) image.data.fill(20, (y * width + 100) * 3, (y * width + 140) * 3);

const answer = (score: number): Detection => ({ ...detectionOf([100, 80, 140, 130]), score });
const seen = (presence: number) => async (): Promise<Decoded> => ({
  heatmap: { width: 1, height: 1, data: new Float32Array(1) },
  presence,
});
const never = () => Promise.reject(new Error("looked"));

describe("presence by erasing the answer", () => {
  it("rises where the presence falls without the answer, and falls where it rises", async () => {
    const gone = await presenceByErasing(image, 0.3, answer(0.9), 0.5, seen(0.01));
    const rises = await presenceByErasing(image, 0.3, answer(0.9), 0.5, seen(0.6));
    expect(gone).toBeGreaterThan(0.5);
    expect(rises).toBeLessThan(0.5);
  });

  it("asks about the image without the answer, of the same size", async () => {
    const asked: ColourImage[] = [];
    await presenceByErasing(image, 0.3, answer(0.9), 0.5, (without) => {
      asked.push(without);
      return seen(0.1)();
    });
    expect(asked.map((each) => [each.width, each.height])).toEqual([[width, height]]);
    const middle = (105 * width + 120) * 3;
    expect(image.data[middle]).toBe(20);
    expect(asked[0]!.data[middle]).toBeGreaterThan(150);
  });

  it("keeps one of two equal objects: the other one keeps the presence high", async () => {
    expect(await presenceByErasing(image, 0.97, answer(0.5), 0.5, seen(0.97))).toBeGreaterThan(0.5);
  });

  it("does not ask where the second look could change nothing", async () => {
    await expect(presenceByErasing(image, 0.999, answer(0.95), 0.5, never)).resolves.toBeGreaterThan(0.5);
    await expect(presenceByErasing(image, 0.0001, answer(0.05), 0.5, never)).resolves.toBeLessThan(0.5);
  });

  it("stays within its limits", async () => {
    for (const presence of [0, 0.05, 0.4, 0.8, 1])
      for (const mass of [0, 0.1, 0.6, 1]) {
        const [least, most] = presenceLimits(presence, mass);
        for (const erased of [0, 0.2, 0.9, 1]) {
          const found = await presenceByErasing(image, presence, answer(mass), 0.5, seen(erased));
          expect(found).toBeGreaterThanOrEqual(least);
          expect(found).toBeLessThanOrEqual(most);
        }
      }
  });
});
