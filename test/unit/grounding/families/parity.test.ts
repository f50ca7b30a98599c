import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { familyParity, familyReference, paritySubject } from "../../../../bench/families/parity.js";
import { modelOfRepository } from "../../../../bench/families/random-repository.js";
import { type HubFamily, hubFamilies } from "../../../../src/grounding/index.js";
import { openGrounder, type PipelineOptions } from "../../../../src/pipeline/index.js";
import { cli } from "../../../support/cli.js";
import { smallRepository } from "../../../support/families.js";
import { runExport } from "../../../support/models.js";
import { WorkerProcess } from "../../../support/workers.js";

const folder = mkdtempSync(join(tmpdir(), "families-"));
const image = paritySubject();
const repositoryOf = (family: HubFamily) => join(folder, family);
const modelOf = (family: HubFamily) => join(folder, `${family}-model`);
const grounders = ["clipseg", "owlv2", "grounding-dino"] as const;

beforeAll(async () => {
  for (const family of hubFamilies) {
    smallRepository(family, repositoryOf(family));
    await modelOfRepository(family, repositoryOf(family), modelOf(family));
  }
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(hubFamilies)("%s with random weights, on onnxruntime-node against PyTorch", (family) => {
  let reference: string;
  beforeAll(async () => {
    reference = await familyReference(family, repositoryOf(family), image);
  }, 300_000);

  it("fp32: logits within 1e-3, boxes within half a pixel, the same masks", async () => {
    const found = await familyParity(family, repositoryOf(family), reference, image, "fp32");
    expect(found.logits).toBeLessThanOrEqual(1e-3);
    expect(found.boxes ?? 0).toBeLessThanOrEqual(0.5);
    expect(found.masks?.agreement ?? 1).toBeGreaterThanOrEqual(0.999);
    // Masks of one class would agree whatever the model does.
    expect(found.masks?.minority ?? 1).toBeGreaterThan(0.02);
  });

  it("int8: nearly the same masks, although layers this narrow average little of the rounding out", async () => {
    const found = await familyParity(family, repositoryOf(family), reference, image, "int8");
    expect(found.masks?.agreement ?? 1).toBeGreaterThanOrEqual(0.95);
    expect(found.logits).toBeGreaterThan(1e-3);
  });
});

it("sam by points alone, as the hub's main branch has it: the same masks", { timeout: 300_000 }, async () => {
  const repository = join(folder, "points");
  runExport("export.random_families", ["--family", "sam", "--points-only", "--out", repository]);
  const reference = await familyReference("sam", repository, image, false);
  const found = await familyParity("sam", repository, reference, image, "fp32");
  expect(found.logits).toBeLessThanOrEqual(1e-3);
  expect(found.masks?.agreement).toBeGreaterThanOrEqual(0.999);
  expect(found.masks?.minority).toBeGreaterThan(0.02);
  // The same decoder refines: a box becomes points inside and next to it.
  const [plain] = await groundings({ model: modelOf("owlv2"), threshold: 0.05 });
  const [refined] = await groundings({
    ...{ model: modelOf("owlv2"), threshold: 0.05 },
    refine: join(repository, "model-fp32"),
  });
  expect(refined?.model).toBe("owlv2-fp32 + sam-fp32");
  expect(refined?.detections.map(({ score }) => score)).toEqual(plain?.detections.map(({ score }) => score));
});

/** Groundings of three queries on the image, without timings. */
async function groundings(options: PipelineOptions) {
  const grounder = await openGrounder({ threads: 2, ...options });
  const queries = ["the red mug on the left", "green bottle", "banana"];
  const all = await grounder.ground({ colour: image }, queries).finally(() => grounder.close());
  return all.map(({ timings, steps, backend, ...rest }) => rest);
}

describe.each(grounders)("%s as a grounder", (family) => {
  it("answers each query in the order asked, with boxes and masks inside the image", async () => {
    const threshold = 0.05;
    const found = await groundings({ model: modelOf(family), threshold });
    expect(found.map(({ query }) => query)).toEqual(["the red mug on the left", "green bottle", "banana"]);
    for (const { detections, presence, heatmap } of found) {
      expect(presence).toBeGreaterThan(threshold);
      expect(detections.length).toBeGreaterThan(0);
      expect(heatmap.data.some((p) => p > 0)).toBe(true);
      for (const { box, mask, score, maskSource } of detections) {
        expect(maskSource).toBe(family === "clipseg" ? undefined : "box");
        expect(score).toBeGreaterThan(threshold);
        expect([box[0] >= 0, box[1] >= 0, box[2] <= 320, box[3] <= 240]).toEqual([true, true, true, true]);
        expect([mask.width, mask.height]).toEqual([320, 240]);
        expect(mask.data).toContain(1);
      }
    }
  });

  it("finds nothing where the threshold asks for more than it says", async () => {
    const found = await groundings({ model: modelOf(family), threshold: 1 });
    expect(found.map(({ found }) => found)).toEqual([false, false, false]);
  });

  it("gives a worker's client the same answers", { timeout: 120_000 }, async () => {
    const worker = await WorkerProcess.start("tcp://127.0.0.1:*", [
      "--model",
      modelOf(family),
      "--threads",
      "2",
    ]);
    try {
      const endpoint = [worker.endpoint];
      const remote = await groundings({
        model: modelOf(family),
        backend: "zmq",
        endpoint,
        startTimeout: 100,
      });
      expect(remote).toEqual(await groundings({ model: modelOf(family) }));
    } finally {
      await worker.stop();
    }
  });
});

describe("sam as a refiner", { timeout: 180_000 }, () => {
  it.each(["lite", "owlv2"] as const)(
    "after %s: masks of its own, or those that were there",
    async (base) => {
      const model = base === "lite" ? "lite" : modelOf(base);
      const options: PipelineOptions = { model, threshold: 0.05 };
      const plain = await groundings(options);
      const refined = await groundings({ ...options, refine: modelOf("sam") });
      refined.forEach((answer, i) => {
        expect(answer.model).toBe(`${plain[i]?.model} + sam-fp32`);
        expect(answer.detections.length).toBe(plain[i]?.detections.length);
        answer.detections.forEach((detection, k) => {
          const before = plain[i]?.detections[k];
          if (detection.maskSource !== "refined")
            expect(Buffer.from(detection.mask.data).equals(Buffer.from(before?.mask.data ?? []))).toBe(true);
          expect(detection.score).toBe(before?.score);
        });
      });
    },
  );

  it("guides by a detector's proposals, as in the paper", async () => {
    const answers = await groundings({ proposals: modelOf("grounding-dino"), refine: modelOf("sam") });
    expect(answers[0]?.model).toMatch(/^lite( \+ grounding-dino-fp32)? \+ sam-fp32$/);
  });
});

describe("a model in the wrong place", () => {
  it.each([
    [{ model: modelOf("sam") }, "MODEL_FAMILY"],
    [{ refine: modelOf("owlv2") }, "MODEL_FAMILY"],
    [{ proposals: modelOf("clipseg") }, "MODEL_FAMILY"],
    [{ refine: "no-such-model" }, "MODEL_MISSING"],
  ] as const)("%o", async (options, code) => {
    await expect(openGrounder(options)).rejects.toMatchObject({ code });
  });

  it("has no heat map where it finds boxes, and says so", async () => {
    const file = join(folder, "image.png");
    await sharp(image.data, { raw: { width: 320, height: 240, channels: 3 } })
      .png()
      .toFile(file);
    const asked = ["ground", "--image", file, "--query", "banana", "--model", modelOf("owlv2")];
    const refused = await cli([...asked, "--heatmap", join(folder, "heat.npy")]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/owlv2-fp32 finds boxes and has no heat map/);
    const answered = await cli([...asked, "--threshold", "0.05", "--json"]);
    const { found, detections } = JSON.parse(answered.stdout);
    expect([found, detections[0].mask_source]).toEqual([true, "box"]);
  });
});
