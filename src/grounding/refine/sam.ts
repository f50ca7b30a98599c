import { type ColourImage, type Mask, maskBox } from "../../geometry/index.js";
import { type CallOptions, fittedSize, type Tensor, type Tensors } from "../../inference/index.js";
import { type BackendFactory, HubEngine, type HubOptions } from "../hub/engine.js";
import type { Detection, Grounding } from "../types.js";
import { chooseMask, type Offered } from "./choose.js";
import { type Prompt, promptOf } from "./prompt.js";
import type { Refiner } from "./types.js";
import { upsampleMask } from "./upsample.js";

export interface SamOptions extends HubOptions {
  /** Detections of a query that are refined, the best ones. Default 5. */
  readonly limit?: number;
}

/** Masks that SAM offers for prompts on one image. */
export interface SamMasks {
  readonly width: number;
  readonly height: number;
  /** Masks for each prompt. */
  readonly masksPerPrompt: number;
  /** Mask logits over the model's square: [prompts, masks, height, width]. */
  readonly logits: Float32Array;
  /** SAM's estimate of each mask's overlap with the object: [prompts, masks]. */
  readonly quality: Float32Array;
}

/**
 * SAM (arXiv 2304.02643) or one of its slim forms, as transformers has it: an image is encoded once, and each prompt
 * gives three masks. A decoder without boxes gets points next to the box instead.
 */
export class Sam implements Refiner {
  readonly #engine: HubEngine;
  readonly #takesBoxes: boolean;
  readonly #limit: number;

  private constructor(engine: HubEngine, takesBoxes: boolean, options: SamOptions) {
    this.#engine = engine;
    this.#takesBoxes = takesBoxes;
    this.#limit = options.limit ?? 5;
  }

  /** @throws GraspGroundingError MODEL_*, PROVIDER_UNAVAILABLE */
  static async open(folder: string, createBackend: BackendFactory, options: SamOptions = {}): Promise<Sam> {
    const engine = await HubEngine.open(folder, "sam", createBackend, options);
    return new Sam(engine, engine.inputsOf("decoder")?.includes("input_boxes") ?? false, options);
  }

  get name(): string {
    return this.#engine.model;
  }

  async refine(
    image: ColourImage,
    { detections, heatmap }: Grounding,
    options: CallOptions = {},
  ): Promise<readonly Detection[]> {
    const best = detections.slice(0, this.#limit);
    if (best.length === 0) return detections;
    const prompts = best.map((detection) => promptOf(detection, heatmap, !this.#takesBoxes));
    const masks = await this.masks(image, prompts, options);
    const refined = best.map((detection, i) => this.#refined(image, detection, masks, i, heatmap));
    return [...refined, ...detections.slice(this.#limit)];
  }

  /** What SAM offers for prompts. */
  async masks(image: ColourImage, prompts: readonly Prompt[], options: CallOptions = {}): Promise<SamMasks> {
    const features = await this.#engine.features(image, options);
    const outputs = await this.#engine.run({ ...features, ...this.#promptTensors(image, prompts) }, options);
    const n = prompts.length;
    const fits = (d: readonly number[]) => d.length === 5 && d[1] === n;
    const logits = this.#engine.output(outputs, "pred_masks", fits, `[1, ${n}, masks, height, width]`);
    const [, , masksPerPrompt, height, width] = logits.dims as [number, number, number, number, number];
    const wanted = `[1, ${n}, ${masksPerPrompt}]`;
    const quality = this.#engine.output(
      outputs,
      "iou_scores",
      (d) => d[1] === n && d[2] === masksPerPrompt,
      wanted,
    );
    return {
      ...{ width, height, masksPerPrompt },
      logits: logits.data as Float32Array,
      quality: quality.data as Float32Array,
    };
  }

  /** Mask `k` of prompt `i` at the size of the image. */
  maskOf(image: ColourImage, masks: SamMasks, i: number, k: number): Mask {
    const { input } = this.#engine.files;
    const square = input.padTo ?? { width: input.width, height: input.height };
    const size = { width: image.width, height: image.height };
    return upsampleMask(logitsOf(masks, i, k), masks, square, fittedSize(image, input), size);
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  #refined(
    image: ColourImage,
    detection: Detection,
    masks: SamMasks,
    i: number,
    heatmap: Grounding["heatmap"],
  ): Detection {
    const offered = Array.from({ length: masks.masksPerPrompt }, (_, k) => this.#offered(image, masks, i, k));
    const chosen = chooseMask(offered, detection, heatmap);
    if (chosen === undefined) return detection;
    const mask = this.maskOf(image, masks, i, chosen);
    const box = maskBox(mask);
    return box === undefined ? detection : { ...detection, box, mask, maskSource: "refined" };
  }

  /** A mask at SAM's own resolution, cut to the part that the image fills. */
  #offered(image: ColourImage, masks: SamMasks, i: number, k: number): Offered {
    const { input } = this.#engine.files;
    const square = input.padTo ?? input;
    const fitted = fittedSize(image, input);
    const logits = logitsOf(masks, i, k);
    const width = Math.max(1, Math.round((masks.width * fitted.width) / square.width));
    const height = Math.max(1, Math.round((masks.height * fitted.height) / square.height));
    const data = new Uint8Array(width * height);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        data[y * width + x] = (logits[y * masks.width + x] as number) > 0 ? 1 : 0;
    return { mask: { width, height, data }, quality: masks.quality[i * masks.masksPerPrompt + k] ?? 0 };
  }

  /** Prompts in pixels of the model's input; -10 marks a point that only completes the shape. */
  #promptTensors(image: ColourImage, prompts: readonly Prompt[]): Tensors {
    const fitted = fittedSize(image, this.#engine.files.input);
    const [sx, sy] = [fitted.width / image.width, fitted.height / image.height];
    const most = Math.max(...prompts.map(({ points }) => points.length));
    const points = new Float32Array(prompts.length * most * 2);
    const labels = new BigInt64Array(prompts.length * most).fill(-10n);
    const boxes = new Float32Array(prompts.length * 4);
    prompts.forEach((prompt, i) => {
      prompt.points.forEach(({ x, y, inside }, k) => {
        points.set([x * sx, y * sy], 2 * (i * most + k));
        labels[i * most + k] = inside ? 1n : 0n;
      });
      const [x1, y1, x2, y2] = prompt.box;
      boxes.set([x1 * sx, y1 * sy, x2 * sx, y2 * sy], 4 * i);
    });
    const tensors: Record<string, Tensor> = {
      input_points: { type: "float32", dims: [1, prompts.length, most, 2], data: points },
      input_labels: { type: "int64", dims: [1, prompts.length, most], data: labels },
    };
    if (this.#takesBoxes)
      tensors.input_boxes = { type: "float32", dims: [1, prompts.length, 4], data: boxes };
    return tensors;
  }
}

function logitsOf({ logits, width, height, masksPerPrompt }: SamMasks, i: number, k: number): Float32Array {
  const plane = width * height;
  const at = i * masksPerPrompt + k;
  return logits.subarray(at * plane, (at + 1) * plane);
}
