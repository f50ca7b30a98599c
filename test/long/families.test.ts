import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { familyParity, familyReference, paritySubject } from "../../bench/families/parity.js";
import { randomRepository } from "../../bench/families/random-repository.js";
import { hubFamilies } from "../../src/grounding/index.js";

const folder = mkdtempSync(join(tmpdir(), "families-"));
const image = paritySubject(640, 480);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(hubFamilies)("%s of the true size with random weights, against PyTorch", (family) => {
  it("agrees in fp32, and its masks in int8", async () => {
    const repository = join(folder, family);
    await randomRepository(family, repository, "true");
    const reference = await familyReference(family, repository, image);
    const exact = await familyParity(family, repository, reference, image, "fp32");
    expect(exact.logits).toBeLessThanOrEqual(1e-3);
    expect(exact.boxes ?? 0).toBeLessThanOrEqual(0.5);
    expect(exact.masks?.agreement ?? 1).toBeGreaterThanOrEqual(0.999);
    const small = await familyParity(family, repository, reference, image, "int8");
    expect(small.masks?.agreement ?? 1).toBeGreaterThanOrEqual(0.99);
    rmSync(repository, { recursive: true, force: true });
  });
});
