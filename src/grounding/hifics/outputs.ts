import { GraspGroundingError } from "../../errors/index.js";
import { highestOf, probabilitiesOf, type Tensor, type Tensors } from "../../inference/index.js";
import type { Heatmap } from "../types.js";
import type { Candidates } from "./candidates.js";
import { type Manifest, signOf } from "./manifest.js";
import { probabilities, sigmoid } from "./score.js";

/** What the decoder says of one query. */
export interface Decoded {
  readonly heatmap: Heatmap;
  /** Probability that the object is in the image, 0..1. */
  readonly presence: number;
  /** Of decoders that draw whole instances. */
  readonly candidates?: Candidates;
}

/** One query's row of the decoder's outputs for `rows` queries. */
export interface OutputRow {
  readonly outputs: Tensors;
  readonly row: number;
  readonly rows: number;
}

/**
 * One query's part of the decoder's outputs: logits [rows, 1, h, w] as probabilities of the object, by the manifest's
 * polarity, presence [rows] and candidates. Without a presence output the highest probability stands for it.
 * @throws GraspGroundingError MODEL_MISMATCH for other shapes
 */
export function readOutputs({ outputs, row, rows }: OutputRow, manifest: Manifest): Decoded {
  const { presence: presenceName, candidates: names } = manifest.decoder;
  const { best, ...heatmap } = readHeatmap({ outputs, row, rows }, manifest);
  const presence = presenceName === undefined ? undefined : outputs[presenceName]?.data;
  return {
    heatmap,
    presence: presence ? sigmoid(Number(presence[row])) : best,
    ...(names !== undefined && { candidates: readCandidates(outputs, row, rows, manifest, names) }),
  };
}

/** The heat map, and its highest probability. A back end may have made the probabilities. */
function readHeatmap({ outputs, row, rows }: OutputRow, manifest: Manifest): Heatmap & { best: number } {
  const { output } = manifest.decoder;
  const made = outputs[probabilitiesOf(output)];
  const map = made ?? outputs[output];
  if (map?.type !== "float32" || map.dims.length !== 4 || map.dims[0] !== rows)
    throw mismatch(manifest, output, map, `float32 [${rows}, 1, h, w]`);
  const [, , height, width] = map.dims as [number, number, number, number];
  const plane = width * height;
  const own = (map.data as Float32Array).subarray(row * plane, (row + 1) * plane);
  if (made === undefined) return { width, height, ...probabilities(own, signOf(manifest)) };
  const highest = outputs[highestOf(output)];
  if (highest?.type !== "float32" || highest.dims.length !== 1 || highest.dims[0] !== rows)
    throw mismatch(manifest, highestOf(output), highest, `float32 [${rows}]`);
  return { width, height, data: own, best: highest.data[row] as number };
}

function readCandidates(
  outputs: Tensors,
  row: number,
  rows: number,
  manifest: Manifest,
  names: NonNullable<Manifest["decoder"]["candidates"]>,
): Candidates {
  const masks = outputs[names.logits];
  if (masks?.dims.length !== 4 || masks.dims[0] !== rows)
    throw mismatch(manifest, names.logits, masks, `[${rows}, k, h, w]`);
  const [, k, height, width] = masks.dims as [number, number, number, number];
  const perCandidate = (name: string): Float32Array => {
    const tensor = outputs[name];
    if (tensor?.dims.length !== 2 || tensor.dims[0] !== rows || tensor.dims[1] !== k)
      throw mismatch(manifest, name, tensor, `[${rows}, ${k}]`);
    return (tensor.data as Float32Array).slice(row * k, (row + 1) * k);
  };
  const size = k * width * height;
  return {
    width,
    height,
    logits: (masks.data as Float32Array).subarray(row * size, (row + 1) * size),
    mass: perCandidate(names.mass),
    quality: perCandidate(names.quality).map(sigmoid),
  };
}

function mismatch(manifest: Manifest, name: string, tensor: Tensor | undefined, wanted: string) {
  const detail = `output ${name} has shape [${tensor?.dims.join(", ") ?? ""}], wanted ${wanted}`;
  return new GraspGroundingError("MODEL_MISMATCH", { name: manifest.name, detail });
}
