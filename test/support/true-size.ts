import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { familyParity, familyReference, paritySubject } from "../../bench/families/parity.js";
import { randomRepository } from "../../bench/families/random-repository.js";
import type { HubFamily } from "../../src/grounding/index.js";

/** Tests of families at the size of their published models, with random weights, against transformers' PyTorch. */
export function testTrueSize(families: readonly HubFamily[]): void {
  const folder = mkdtempSync(join(tmpdir(), "families-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const image = paritySubject(640, 480);

  describe.each(families)("%s of the true size with random weights, against PyTorch", (family) => {
    it("agrees in fp32, and nearly in int8", async () => {
      const repository = join(folder, family);
      await randomRepository(family, repository, "true");
      const reference = await familyReference(family, repository, image);
      const exact = await familyParity(family, repository, reference, image, "fp32");
      // Queries that swap ranks by rounding also shift what the others attend to: in Grounding DINO by up to 1.1e-3.
      expect(exact.logits).toBeLessThanOrEqual(family === "grounding-dino" ? 2e-3 : 1e-3);
      const small = await familyParity(family, repository, reference, image, "int8");
      // Weights of fewer bits that change nothing would be those of fp32.
      expect(small.logits).toBeGreaterThan(exact.logits);
      if (family === "owlv2" || family === "grounding-dino") {
        expect(exact.boxes).toBeLessThanOrEqual(0.5);
        // Grounding DINO's ranks, and with them its queries' contents, change with the least error of a score.
        expect(small.boxesWithinHalfPixel).toBeGreaterThan(0.5);
        expect(exact.ties ?? 0).toBeLessThan(0.01);
      } else {
        expect(exact.masks?.agreement).toBeGreaterThanOrEqual(0.999);
        expect(small.masks?.agreement).toBeGreaterThanOrEqual(0.99);
        // Masks of one class would agree whatever the model does.
        expect(exact.masks?.minority).toBeGreaterThan(0.02);
      }
      rmSync(repository, { recursive: true, force: true });
    });
  });
}
