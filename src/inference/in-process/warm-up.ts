import type { InferenceSession } from "onnxruntime-node";
import { elementCount, type Tensor, type Tensors } from "../port.js";
import type { Run } from "./sessions.js";

/**
 * Artificial feeds of a part: outputs of earlier parts where the names agree, ones otherwise. An open length of the
 * graph is 1, and that of a query `tokens`. Undefined when an input can be neither found nor made.
 */
export function warmUpFeeds(
  inputs: readonly InferenceSession.ValueMetadata[],
  known: Tensors,
  tokens: number,
  part: Run,
): Tensors | undefined {
  const feeds: Record<string, Tensor> = {};
  for (const input of inputs) {
    const made = known[input.name] ?? (part === "decoder" ? undefined : ones(input, tokens));
    if (made === undefined) return undefined;
    feeds[input.name] = made;
  }
  return feeds;
}

function ones(input: InferenceSession.ValueMetadata, tokens: number): Tensor | undefined {
  if (!input.isTensor) return undefined;
  const open = (axis: number) => (axis === 1 && input.type === "int64" ? tokens : 1);
  const dims = input.shape.map((length, axis) => (typeof length === "number" ? length : open(axis)));
  const n = elementCount(dims);
  if (input.type === "float32") return { type: "float32", dims, data: new Float32Array(n) };
  if (input.type === "uint8") return { type: "uint8", dims, data: new Uint8Array(n) };
  if (input.type === "int64") return { type: "int64", dims, data: new BigInt64Array(n).fill(1n) };
  return undefined;
}
