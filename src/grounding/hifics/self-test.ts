import { join } from "node:path";
import { z } from "zod";
import { GraspGroundingError } from "../../errors/index.js";
import { type InferenceBackend, type Tensor, type Tensors, toTensor } from "../../inference/index.js";
import { hashFile, type Manifest } from "./manifest.js";
import { readNpy } from "./npy.js";

const entry = z.object({ file: z.string(), sha256: z.string() });

/** Reference data of a converted model: inputs, and the logits of its PyTorch original. */
const selfTestSchema = z.object({
  picture: entry,
  input_ids: entry,
  logits: entry,
  least_mask_agreement: z.number(),
  largest_logit_difference: z.number().optional(),
});

export interface SelfTestResult {
  /** Largest |difference| of a logit from the stored one. */
  readonly largestDifference: number;
  /** Share of pixels on the same side of the mask's threshold. */
  readonly maskAgreement: number;
}

/**
 * Runs the model on its stored inputs. Undefined when the manifest stores none.
 * @throws GraspGroundingError MODEL_SELF_TEST, MODEL_CORRUPT, MODEL_MANIFEST
 */
export async function runSelfTest(
  folder: string,
  manifest: Manifest,
  backend: InferenceBackend,
): Promise<SelfTestResult | undefined> {
  const stored = (manifest as { readonly self_test?: unknown }).self_test;
  if (stored === undefined) return undefined;
  const parsed = selfTestSchema.safeParse(stored);
  if (!parsed.success) {
    const path = join(folder, "manifest.json");
    throw new GraspGroundingError("MODEL_MANIFEST", { path, detail: "self_test is not as it should be" });
  }
  const test = parsed.data;
  const read = async ({ file, sha256 }: { file: string; sha256: string }) => {
    const path = join(folder, file);
    const found = await hashFile(path);
    if (found !== sha256) throw new GraspGroundingError("MODEL_CORRUPT", { path, found, wanted: sha256 });
    return readNpy(path);
  };
  const [image, ids, wanted] = await Promise.all([
    read(test.picture),
    read(test.input_ids),
    read(test.logits),
  ]);
  const found = await runModel(manifest, backend, image.data as Uint8Array, ids);
  const result = compareLogits(found, wanted);
  const { name } = manifest;
  if (result.maskAgreement < test.least_mask_agreement) {
    const detail = `${(100 * result.maskAgreement).toFixed(2)} % of mask pixels are as stored, wanted ${100 * test.least_mask_agreement} %`;
    throw new GraspGroundingError("MODEL_SELF_TEST", { name, detail });
  }
  if (
    test.largest_logit_difference !== undefined &&
    !(result.largestDifference <= test.largest_logit_difference)
  ) {
    const detail = `a logit is off by ${result.largestDifference}, allowed ${test.largest_logit_difference}`;
    throw new GraspGroundingError("MODEL_SELF_TEST", { name, detail });
  }
  return result;
}

/** One pass through the three parts: RGB bytes of the model's input size, and token ids [queries, tokens]. */
export async function runModel(
  manifest: Manifest,
  backend: InferenceBackend,
  pixels: Uint8Array,
  ids: Tensor,
): Promise<Tensor> {
  const image = { [manifest.encoder.input]: toTensor(pixels, manifest.input) };
  const mask: Tensor = {
    type: "int64",
    dims: ids.dims,
    data: BigInt64Array.from(ids.data as BigInt64Array, (id) => (id === 0n ? 0n : 1n)),
  };
  const texts = { input_ids: ids, attention_mask: mask };
  const made: Tensors = {
    ...texts,
    ...(await backend.encodeFrame(image)),
    ...(await backend.encodeText(texts)),
  };
  const feeds = Object.fromEntries(manifest.decoder.inputs.map((name) => [name, made[name] as Tensor]));
  const logits = (await backend.decode(feeds))[manifest.decoder.output];
  if (logits === undefined) {
    const detail = `the decoder gives no ${manifest.decoder.output}`;
    throw new GraspGroundingError("MODEL_MISMATCH", { name: manifest.name, detail });
  }
  return logits;
}

/** Element by element; tensors of different sizes agree nowhere. */
export function compareLogits(found: Tensor, wanted: Tensor): SelfTestResult {
  const a = found.data as Float32Array;
  const b = wanted.data as Float32Array;
  if (a.length !== b.length) return { largestDifference: Number.POSITIVE_INFINITY, maskAgreement: 0 };
  let largestDifference = 0;
  let same = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    // NaN must not count as a small difference.
    if (Number.isNaN(difference)) largestDifference = Number.POSITIVE_INFINITY;
    else if (difference > largestDifference) largestDifference = difference;
    if ((a[i] ?? 0) < 0 === (b[i] ?? 0) < 0) same++;
  }
  return { largestDifference, maskAgreement: same / a.length };
}
