import { join } from "node:path";
import { GraspGroundingError } from "../../errors/index.js";
import type { RgbdFrame } from "../../geometry/index.js";
import { hashFile } from "../../grounding/index.js";
import { type InProcessOptions, SingleModel, type Tensor } from "../../inference/index.js";
import { type Crop, cropColour, cropDepth } from "./crop.js";
import { type GraspModelManifest, readGraspManifest } from "./manifest.js";

/** Maps over the network's square, size × size, rows top to bottom. */
export interface GraspMaps {
  readonly crop: Crop;
  /** Quality of a grasp there by the network: trained towards 0..1. */
  readonly quality: Float32Array;
  /** Cosine and sine of twice the closing direction's angle, counterclockwise from the image's right. */
  readonly cos: Float32Array;
  readonly sin: Float32Array;
  /** Opening, in pixels of the network's square. */
  readonly width: Float32Array;
}

/** A GR-ConvNet-style network: RGB-D in, maps of grasp quality, angle and width out. */
export class GraspNetwork {
  readonly #manifest: GraspModelManifest;
  readonly #model: SingleModel;

  private constructor(manifest: GraspModelManifest, model: SingleModel) {
    this.#manifest = manifest;
    this.#model = model;
  }

  /** @throws GraspGroundingError MODEL_MISSING, MODEL_MANIFEST, MODEL_CORRUPT, MODEL_MISMATCH */
  static async open(folder: string, options: InProcessOptions = {}): Promise<GraspNetwork> {
    const manifest = await readGraspManifest(folder);
    const path = join(folder, manifest.file);
    const found = await hashFile(path);
    if (found !== manifest.sha256)
      throw new GraspGroundingError("MODEL_CORRUPT", { path, found, wanted: manifest.sha256 });
    return new GraspNetwork(manifest, await SingleModel.create(manifest.family, path, options));
  }

  /** Side of the network's square input, in pixels. */
  get size(): number {
    return this.#manifest.input.size;
  }

  /** The network's input: [1, channels, size, size]. */
  feed(frame: RgbdFrame, crop: Crop): Tensor {
    const { size, channels, colour, depth } = this.#manifest.input;
    const area = size * size;
    const data = new Float32Array(channels.length * area);
    const rgb = cropColour(frame.colour, crop);
    const metres = cropDepth(frame.depth!, crop);
    const rgbMean = colour.mean === "picture" ? meanOf(rgb) : colour.mean;
    const depthMean = depth.mean === "picture" ? meanOf(metres) : depth.mean;
    for (const [k, channel] of channels.entries()) {
      const c = ["red", "green", "blue"].indexOf(channel);
      for (let i = 0; i < area; i++)
        data[k * area + i] =
          c < 0
            ? Math.max(-depth.limit, Math.min(depth.limit, metres[i]! - depthMean))
            : rgb[3 * i + c]! - rgbMean;
    }
    return { type: "float32", dims: [1, channels.length, size, size], data };
  }

  /** @throws GraspGroundingError INFERENCE_FAILED, MODEL_MISMATCH */
  async maps(frame: RgbdFrame, crop: Crop): Promise<GraspMaps> {
    const { input, outputs, width_pixels } = this.#manifest;
    const result = await this.#model.run({ [input.name]: this.feed(frame, crop) });
    const map = (name: string): Float32Array => {
      const tensor = result[name];
      if (!(tensor?.data instanceof Float32Array) || tensor.data.length !== input.size * input.size)
        throw new GraspGroundingError("MODEL_MISMATCH", {
          name: this.#manifest.family,
          detail: `wanted output ${name} of [1, 1, ${input.size}, ${input.size}]`,
        });
      return tensor.data;
    };
    return {
      crop,
      quality: map(outputs.quality),
      cos: map(outputs.cos),
      sin: map(outputs.sin),
      width: map(outputs.width).map((value) => value * width_pixels),
    };
  }

  close(): Promise<void> {
    return this.#model.close();
  }
}

function meanOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}
