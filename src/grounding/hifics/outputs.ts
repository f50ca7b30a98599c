import { GraspGroundingError } from "../../errors/index.js";
import type { Tensor, Tensors } from "../../inference/index.js";
import type { Heatmap } from "../types.js";
import type { Candidates } from "./candidates.js";
import type { Manifest } from "./manifest.js";
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
  const { output, presence: presenceName, candidates: names } = manifest.decoder;
  const logits = outputs[output];
  if (logits?.type !== "float32" || logits.dims.length !== 4 || logits.dims[0] !== rows)
    throw mismatch(manifest, output, logits, `float32 [${rows}, 1, h, w]`);
  const [, , height, width] = logits.dims as [number, number, number, number];
  const sign = manifest.mask.polarity === "background" ? -1 : 1;
  const plane = width * height;
  const presence = presenceName === undefined ? undefined : outputs[presenceName]?.data;
  const own = (logits.data as Float32Array).subarray(row * plane, (row + 1) * plane);
  const { data, best } = probabilities(own, sign);
  return {
    heatmap: { width, height, data },
    presence: presence ? sigmoid(Number(presence[row])) : best,
    ...(names !== undefined && { candidates: readCandidates(outputs, row, rows, manifest, names) }),
  };
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
