import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import type { ColourImage } from "../../src/geometry/index.js";
import { GroundingDino } from "../../src/grounding/grounding-dino/grounding-dino.js";
import { HubEngine } from "../../src/grounding/hub/engine.js";
import { type HubFamily, readNpy, Sam } from "../../src/grounding/index.js";
import { Owlv2 } from "../../src/grounding/owlv2/owlv2.js";
import type { Prompt } from "../../src/grounding/refine/prompt.js";
import { InProcessBackend, type ModelFiles, type Tensor } from "../../src/inference/index.js";
import { runReference } from "../python.js";
import { type FamilyPrecision, modelOfRepository } from "./random-repository.js";

/** How far a model is from PyTorch. */
export interface FamilyParity {
  /** Largest difference of a logit. */
  readonly logits: number;
  /** Largest difference of a box's edge in pixels, for detectors. */
  readonly boxes?: number;
  /** Share of boxes of which no edge differs by more than half a pixel, for detectors. */
  readonly boxesWithinHalfPixel?: number;
  /** Share of queries that are skipped, for Grounding DINO: rounding may swap their ranks. */
  readonly ties?: number;
  /** Share of mask pixels that are the same, for models that draw masks, and the smaller share of both classes. */
  readonly masks?: { readonly agreement: number; readonly minority: number };
}

/** Lower case and without articles, as the detectors' captions are. */
export const parityQueries = ["red mug on the left", "green bottle", "banana"] as const;

export const parityPrompts: readonly Prompt[] = [
  { box: [60, 50, 190, 200], points: [{ x: 120, y: 120, inside: true }] },
  { box: [200, 90, 300, 210], points: [{ x: 250, y: 150, inside: true }] },
];

const here = (files: ModelFiles) => InProcessBackend.create(files, { threads: 2 });

/** Blobs and gradients with some noise: every part of a model has something to say about it. */
export function paritySubject(width = 320, height = 240): ColourImage {
  const data = new Uint8Array(width * height * 3);
  let noise = 12345;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++, i++) {
        noise = (Math.imul(noise, 1103515245) + 12345) & 0x7fffffff;
        const wave = Math.sin((x * (c + 1)) / 47 + Math.cos(y / (31 + 9 * c)) * 2);
        data[i] = Math.max(0, Math.min(255, 128 + 90 * wave + ((noise >> 16) % 21) - 10));
      }
  return { width, height, data };
}

/**
 * What PyTorch makes of the image, in `folder`/reference.
 * @param boxes whether SAM is asked by boxes besides points. Default true.
 */
export async function familyReference(
  family: HubFamily,
  repository: string,
  image: ColourImage,
  boxes = true,
): Promise<string> {
  const out = join(repository, "reference");
  mkdirSync(out, { recursive: true });
  const { width, height, data } = image;
  const file = join(out, "image.png");
  await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
  const prompts = {
    points: parityPrompts.map(({ points }) => points.map(({ x, y }) => [x, y])),
    labels: parityPrompts.map(({ points }) => points.map(() => 1)),
    ...(boxes && { boxes: parityPrompts.map(({ box }) => box) }),
  };
  writeFileSync(join(out, "prompts.json"), JSON.stringify(prompts));
  await runReference("bench/reference/families_peer.py", [
    repository,
    file,
    out,
    ...(family === "sam" ? [] : parityQueries),
  ]);
  return out;
}

/** Compares a precision of a repository with what PyTorch said. */
export async function familyParity(
  family: HubFamily,
  repository: string,
  reference: string,
  image: ColourImage,
  kind: FamilyPrecision,
): Promise<FamilyParity> {
  const folder = await modelOfRepository(family, repository, join(repository, `model-${kind}`), kind);
  const wanted = (name: string) => readNpy(join(reference, `${name}.npy`));
  if (family === "sam") return samParity(folder, image, await wanted("logits"), await wanted("masks"));
  if (family === "grounding-dino")
    return dinoParity(folder, image, {
      logits: await wanted("logits"),
      boxes: await wanted("boxes"),
      ties: await wanted("ties"),
    });
  const engine = await HubEngine.open(folder, family, here);
  try {
    const features = await engine.features(image);
    const logits = await wanted("logits");
    if (family === "clipseg") {
      const found = await engine.run({ ...features, ...engine.tokens(parityQueries) });
      return compared(found.logits as Tensor, logits);
    }
    const found = await engine.run({ ...features, ...engine.tokens(parityQueries) });
    return {
      logits: largest(found.logits as Tensor, logits),
      ...(await owlBoxes(folder, image, await wanted("boxes"))),
    };
  } finally {
    await engine.close();
  }
}

type BoxParity = Pick<FamilyParity, "boxes" | "boxesWithinHalfPixel">;

/** Of each box's largest difference. */
const boxParity = (differences: readonly number[]): BoxParity => ({
  boxes: Math.max(...differences),
  boxesWithinHalfPixel: differences.filter((d) => d <= 0.5).length / differences.length,
});

async function owlBoxes(folder: string, image: ColourImage, boxes: Tensor): Promise<BoxParity> {
  const finder = await Owlv2.open(folder, here);
  const [found = []] = await finder.find(image, parityQueries);
  await finder.close();
  return boxParity(
    boxDifferences(
      found.map(({ box }) => box),
      boxes.data as Float32Array,
      image,
    ),
  );
}

/**
 * Grounding DINO picks its queries by score, so that equal ones may change places: each of PyTorch's boxes but those is
 * compared with the nearest of ours, by box and score.
 */
async function dinoParity(
  folder: string,
  image: ColourImage,
  { logits, boxes, ties }: { readonly logits: Tensor; readonly boxes: Tensor; readonly ties: Tensor },
): Promise<FamilyParity> {
  const finder = await GroundingDino.open(folder, here);
  const [queries = 0, n = 0, columns = 0] = logits.dims;
  const differences: number[] = [];
  let worstLogit = 0;
  for (let q = 0; q < queries; q++) {
    const [found = []] = await finder.find(image, [parityQueries[q] as string]);
    const tokens = finder.phraseColumns(parityQueries[q] as string);
    for (let i = 0; i < n; i++) {
      if (ties.data[q * n + i] !== 0) continue;
      const row = (logits.data as Float32Array).subarray((q * n + i) * columns, (q * n + i + 1) * columns);
      const logit = Math.max(...tokens.map((token) => row[token] as number));
      const box = clipped((boxes.data as Float32Array).subarray(4 * (q * n + i), 4 * (q * n + i + 1)), image);
      let nearest = { distance: Number.POSITIVE_INFINITY, box: 0, logit: 0 };
      for (const { box: own, score } of found) {
        const byBox = Math.max(...own.map((v, k) => Math.abs(v - (box[k] as number))));
        const byLogit = Math.abs(Math.log(score / (1 - score)) - logit);
        const distance = byBox / 0.5 + byLogit / 1e-3;
        if (distance < nearest.distance) nearest = { distance, box: byBox, logit: byLogit };
      }
      differences.push(nearest.box);
      worstLogit = Math.max(worstLogit, nearest.logit);
    }
  }
  await finder.close();
  return { logits: worstLogit, ...boxParity(differences), ties: 1 - differences.length / (queries * n) };
}

async function samParity(
  folder: string,
  image: ColourImage,
  logits: Tensor,
  masks: Tensor,
): Promise<FamilyParity> {
  const sam = await Sam.open(folder, here);
  const found = await sam.masks(image, parityPrompts);
  let same = 0;
  let set = 0;
  const plane = image.width * image.height;
  for (let i = 0; i < parityPrompts.length; i++)
    for (let k = 0; k < found.masksPerPrompt; k++) {
      const mask = sam.maskOf(image, found, i, k);
      const at = (i * found.masksPerPrompt + k) * plane;
      for (let p = 0; p < plane; p++) {
        if (mask.data[p] === Number(masks.data[at + p])) same++;
        set += mask.data[p] as number;
      }
    }
  await sam.close();
  const total = masks.data.length;
  return {
    logits: largest({ type: "float32", dims: logits.dims, data: found.logits }, logits),
    masks: { agreement: same / total, minority: Math.min(set, total - set) / total },
  };
}

function compared(found: Tensor, wanted: Tensor): FamilyParity {
  const [a, b] = [found.data as Float32Array, wanted.data as Float32Array];
  const same = a.filter((v, i) => v > 0 === (b[i] as number) > 0).length;
  const set = b.filter((v) => v > 0).length;
  const minority = Math.min(set, b.length - set) / b.length;
  return { logits: largest(found, wanted), masks: { agreement: same / b.length, minority } };
}

function largest(found: Tensor, wanted: Tensor): number {
  if (found.data.length !== wanted.data.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    const difference = Math.abs(Number(found.data[i]) - Number(wanted.data[i]));
    most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }
  return most;
}

const clipped = (box: ArrayLike<number>, { width, height }: ColourImage): number[] =>
  Array.from(box, (v, k) => Math.min(Math.max(v, 0), k % 2 === 0 ? width : height));

function boxDifferences(
  found: readonly (readonly number[])[],
  wanted: Float32Array,
  image: ColourImage,
): readonly number[] {
  if (found.length * 4 !== wanted.length) return [Number.POSITIVE_INFINITY];
  return found.map((box, i) => {
    const other = clipped(wanted.subarray(4 * i, 4 * i + 4), image);
    return Math.max(...box.map((v, k) => Math.abs(v - (other[k] as number))));
  });
}
