import { readFile } from "node:fs/promises";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { elementCount, type Tensor } from "../../inference/index.js";

/**
 * Reads a NumPy .npy file of float32, int64 or uint8 in C order, little-endian.
 * @throws FILE_MISSING, FILE_UNREADABLE
 */
export async function readNpy(path: string): Promise<Tensor> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new GraspGroundingError("FILE_MISSING", { path }, { cause });
  }
  try {
    return parseNpy(bytes);
  } catch (cause) {
    throw new GraspGroundingError("FILE_UNREADABLE", { path, detail: describe(cause) }, { cause });
  }
}

const types = {
  "<f4": ["float32", 4],
  "<i8": ["int64", 8],
  "|u1": ["uint8", 1],
} as const;

/** Format: magic, version, header length, a Python dictionary as text, data (NumPy's format specification). */
export function parseNpy(bytes: Uint8Array): Tensor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || view.getUint32(0) !== 0x934e554d) throw new Error("not a .npy file");
  const wide = bytes[6] !== 1;
  const start = (wide ? 12 : 10) + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = Buffer.from(bytes.subarray(wide ? 12 : 10, start)).toString("latin1");
  const descr = /'descr':\s*'([^']+)'/.exec(header)?.[1] ?? "";
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const known = types[descr as keyof typeof types];
  if (known === undefined || shape === undefined || !/'fortran_order':\s*False/.test(header)) {
    throw new Error(`an array of type ${descr || "unknown"} is not read here`);
  }
  const dims = shape
    .split(",")
    .filter((part) => part.trim() !== "")
    .map(Number);
  const [type, size] = known;
  const length = elementCount(dims) * size;
  if (bytes.length - start < length) throw new Error("the file is cut short");
  // Copied, so that the numbers are aligned whatever the header's length.
  const buffer = new Uint8Array(bytes.subarray(start, start + length)).buffer;
  if (type === "float32") return { type, dims, data: new Float32Array(buffer) };
  if (type === "int64") return { type, dims, data: new BigInt64Array(buffer) };
  return { type, dims, data: new Uint8Array(buffer) };
}
