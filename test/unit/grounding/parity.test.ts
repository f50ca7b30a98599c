import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  compareLogits,
  HifiCs,
  readNpy,
  resizeImage,
  runModel,
  runSelfTest,
  TextTokenizer,
  verifyFiles,
} from "../../../src/grounding/index.js";
import { InProcessBackend, type Tensor } from "../../../src/inference/index.js";
import { importCheckpoint } from "../../../src/model-store/index.js";
import { openModel, packages, randomCheckpoint, runExport } from "../../support/models.js";
import { pythonPath } from "../../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "parity-"));
const queries = ["the red mug on the left", "Größter  Schraubenzieher, 2nd from the right!", "banana"];
const image: { width: number; height: number; data: Uint8Array } = {
  width: 640,
  height: 480,
  data: new Uint8Array(0),
};
const imageFile = join(folder, "picture.png");

/** Blobs and gradients with some noise: every part of the model has something to say about it. */
function draw(width: number, height: number): Uint8Array {
  const data = new Uint8Array(width * height * 3);
  let noise = 12345;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++, i++) {
        noise = (noise * 1103515245 + 12345) & 0x7fffffff;
        const wave = Math.sin((x * (c + 1)) / 47 + Math.cos(y / (31 + 9 * c)) * 2);
        data[i] = Math.max(0, Math.min(255, 128 + 90 * wave + ((noise >> 16) % 21) - 10));
      }
    }
  }
  return data;
}

interface Case {
  readonly name: string;
  readonly weights: readonly string[];
  readonly shallowestFirst?: boolean;
}

const cases: readonly Case[] = [
  { name: "b16-single", weights: ["--clip", "vit-b16", "--variant", "single"] },
  { name: "b16-levels", weights: ["--clip", "vit-b16", "--variant", "per-level", "--reduce-cond", "24"] },
  {
    name: "l14-single",
    weights: ["--clip", "vit-l14", "--variant", "single", "--shallowest-first"],
    shallowestFirst: true,
  },
  { name: "l14-levels", weights: ["--clip", "vit-l14", "--variant", "per-level"] },
];

const store = join(folder, "store");
const imported = (name: string) => join(store, name);

beforeAll(async () => {
  image.data = draw(image.width, image.height);
  const raw = { width: image.width, height: image.height, channels: 3 as const };
  await sharp(image.data, { raw }).png().toFile(imageFile);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(cases)(
  "$name, imported, on onnxruntime-node against PyTorch",
  ({ name, weights, shallowestFirst }) => {
    const said: string[] = [];

    beforeAll(async () => {
      const checkpoint = join(folder, `${name}.pth`);
      randomCheckpoint(checkpoint, weights);
      await importCheckpoint({
        ...{ checkpoint, name, store, packages, interpreter: pythonPath() },
        ...(shallowestFirst && { shallowestFirst }),
        onProgress: (text) => said.push(text),
      });
      runExport("export.reference", [
        ...["--checkpoint", checkpoint, "--picture", imageFile, "--out", join(folder, name)],
        ...(shallowestFirst ? ["--shallowest-first"] : []),
        ...["--sentences", ...queries],
      ]);
    });

    it("says what it does", () => {
      expect(said).toContain("convert to int8 and measure");
    });

    it.each([
      ["fp32", 1e-3, 0.999],
      ["fp16", Number.POSITIVE_INFINITY, 0.99],
      ["int8", Number.POSITIVE_INFINITY, 0.99],
    ] as const)("%s gives the same masks from image and queries on", async (kind, largest, least) => {
      const { manifest, backend, folder: path } = await openModel(join(imported(name), kind));
      const wanted = await readNpy(join(folder, name, "logits.npy"));
      const pixels = await resizeImage(image, manifest.input);
      const { input_ids: ids } = (await TextTokenizer.load(path, manifest.text)).batch(queries);
      const found = await runModel(manifest, backend, pixels, ids as Tensor);
      await backend.close();
      expect(found.dims).toEqual(wanted.dims);
      const { largestDifference, maskAgreement } = compareLogits(found, wanted);
      expect(largestDifference).toBeLessThanOrEqual(largest);
      expect(maskAgreement).toBeGreaterThanOrEqual(least);
      const share = (wanted.data as Float32Array).filter((v) => v < 0).length / wanted.data.length;
      expect(Math.abs(share - 0.5), "the masks must have two sides").toBeLessThan(0.48);
    });

    it("passes its self-test as a whole and in each precision", async () => {
      for (const part of ["", "fp32", "fp16", "int8"]) {
        const { folder: path, manifest, backend } = await openModel(join(imported(name), part));
        await verifyFiles(path, manifest);
        const result = await runSelfTest(path, manifest, backend);
        await backend.close();
        expect(result?.maskAgreement).toBeGreaterThanOrEqual(0.99);
      }
    });
  },
);

describe("an imported model", () => {
  const path = imported("b16-single");

  it("marks the object by LOW logits: the heat map is the probability of the object", async () => {
    const engine = await HifiCs.open(path, (files) => InProcessBackend.create(files, { threads: 2 }));
    const [grounding] = await engine.ground({ colour: image }, [queries[0] as string]);
    await engine.close();
    const logits = (await readNpy(join(folder, "b16-single", "logits.npy"))).data as Float32Array;
    const heat = grounding?.heatmap?.data as Float32Array;
    let largest = 0;
    for (const [i, p] of heat.entries())
      largest = Math.max(largest, Math.abs(p - 1 / (1 + Math.exp(logits[i] ?? 0))));
    expect(largest).toBeLessThan(1e-3);
  });

  it("decodes many queries in one call as it decodes each alone", async () => {
    const { manifest, backend } = await openModel(path);
    const pixels = await resizeImage(image, manifest.input);
    const tokenizer = await TextTokenizer.load(path, manifest.text);
    const all = await runModel(manifest, backend, pixels, tokenizer.batch(queries).input_ids as Tensor);
    const plane = all.data.length / queries.length;
    for (const [i, query] of queries.entries()) {
      const alone = await runModel(manifest, backend, pixels, tokenizer.batch([query]).input_ids as Tensor);
      const row = { ...alone, data: (all.data as Float32Array).slice(i * plane, (i + 1) * plane) };
      expect(compareLogits(row, alone).largestDifference).toBeLessThan(1e-4);
    }
    await backend.close();
  });

  it("fails its self-test when the stored logits are another model's", async () => {
    const { manifest, backend } = await openModel(path);
    const test = manifest.self_test as Record<string, unknown>;
    const other = join(imported("b16-levels"), "fp32", "self_test", "logits.npy");
    writeFileSync(join(path, "other.npy"), readFileSync(other));
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256").update(readFileSync(other)).digest("hex");
    const changed = { ...manifest, self_test: { ...test, logits: { file: "other.npy", sha256 } } };
    await expect(runSelfTest(path, changed, backend)).rejects.toMatchObject({ code: "MODEL_SELF_TEST" });
    appendFileSync(join(path, "other.npy"), "x");
    await expect(runSelfTest(path, changed, backend)).rejects.toMatchObject({ code: "MODEL_CORRUPT" });
    await backend.close();
  });

  it("comes whole or not at all, and says which tensor is wrong", async () => {
    const checkpoint = join(folder, "wrong.pth");
    randomCheckpoint(checkpoint, ["--clip-out", join(folder, "clip.pt")]);
    const other = join(folder, "l14.pth");
    randomCheckpoint(other, ["--clip-out", join(folder, "clip-wide.pt"), "--width", "192"]);
    const attempt = importCheckpoint({
      ...{ checkpoint, clip: join(folder, "clip-wide.pt"), name: "wrong", store, packages },
      interpreter: pythonPath(),
    });
    await expect(attempt).rejects.toThrow(/reduces\.0\.weight has shape \[64, 128\], wanted \[64, 192\]/);
    expect(existsSync(imported("wrong"))).toBe(false);
    expect(readdirSync(store).filter((entry) => entry.startsWith("."))).toEqual([]);
  }, 300_000);
});
