import { elementCount, type Tensor, type Tensors } from "../port.js";

/** Tensors in the form of the Open Inference Protocol v2: in JSON, or with the binary tensor extension. */
export const datatypes = { float32: "FP32", int64: "INT64", uint8: "UINT8" } as const;
const types = { FP32: "float32", INT64: "int64", UINT8: "uint8" } as const;
const arrays = { float32: Float32Array, int64: BigInt64Array, uint8: Uint8Array } as const;

export interface OipTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly parameters?: { readonly binary_data_size?: number };
  readonly data?: unknown;
}

export interface OipBody {
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request for these inputs and outputs. */
export function writeRequest(inputs: Tensors, outputs: readonly string[], binary: boolean): OipBody {
  const entries = Object.entries(inputs);
  const blobs = binary ? entries.map(([, { data }]) => bytesOf(data)) : [];
  const json = JSON.stringify({
    inputs: entries.map(([name, { type, dims, data }], i) => ({
      name,
      shape: dims,
      datatype: datatypes[type],
      ...(binary
        ? { parameters: { binary_data_size: blobs[i]?.byteLength } }
        : { data: Array.from(data, Number) }),
    })),
    outputs: outputs.map((name) => ({ name, ...(binary && { parameters: { binary_data: true } }) })),
    ...(binary && { parameters: { binary_data_output: true } }),
  });
  const header = Buffer.from(json);
  if (!binary) return { body: header, headers: { "content-type": "application/json" } };
  return {
    body: Buffer.concat([header, ...blobs]),
    headers: {
      "content-type": "application/octet-stream",
      "inference-header-content-length": String(header.byteLength),
    },
  };
}

/**
 * @param headerLength of the response's header Inference-Header-Content-Length.
 * @throws RangeError when it is not well-formed
 */
export function readResponse(body: Uint8Array, headerLength: number | undefined): Tensors {
  const length = headerLength ?? body.byteLength;
  if (!Number.isInteger(length) || length < 0 || length > body.byteLength)
    throw new RangeError(`a header of ${length} bytes in an answer of ${body.byteLength}`);
  const { outputs } = JSON.parse(Buffer.from(body.buffer, body.byteOffset, length).toString("utf8")) as {
    outputs?: readonly OipTensor[];
  };
  if (!Array.isArray(outputs)) throw new RangeError("the answer has no outputs");
  const tensors: Record<string, Tensor> = {};
  let at = length;
  for (const { name, shape, datatype, parameters, data } of outputs as readonly OipTensor[]) {
    const size = parameters?.binary_data_size;
    if (size === undefined) {
      const flat = Array.isArray(data) ? (data.flat(Number.POSITIVE_INFINITY) as number[]) : [];
      tensors[name] = fromValues(name, datatype, shape, flat);
      continue;
    }
    if (at + size > body.byteLength) throw new RangeError(`output ${name} [${shape}] is not ${size} bytes`);
    tensors[name] = fromBytes(name, datatype, shape, body.subarray(at, at + size));
    at += size;
  }
  return tensors;
}

/** An output in numbers. @throws RangeError when they do not match its shape */
export function fromValues(
  name: string,
  datatype: string,
  dims: readonly number[],
  values: readonly number[],
): Tensor {
  const type = typeOf(name, datatype);
  const n = elementCount(dims);
  if (values.length !== n) throw new RangeError(`output ${name} has ${values.length} values, wanted ${n}`);
  if (type === "int64") return { type, dims, data: BigInt64Array.from(values, (value) => BigInt(value)) };
  return { type, dims, data: type === "uint8" ? Uint8Array.from(values) : Float32Array.from(values) };
}

/** An output in bytes. @throws RangeError when they do not match its shape */
export function fromBytes(
  name: string,
  datatype: string,
  dims: readonly number[],
  bytes: Uint8Array,
): Tensor {
  const type = typeOf(name, datatype);
  const n = elementCount(dims);
  if (bytes.byteLength !== n * arrays[type].BYTES_PER_ELEMENT)
    throw new RangeError(`output ${name} [${dims}] is not ${bytes.byteLength} bytes`);
  // A copy, because the data before it leaves it unaligned; Buffer's own slice() does not copy.
  const copy = Uint8Array.prototype.slice.call(bytes);
  return { type, dims, data: new arrays[type](copy.buffer as ArrayBuffer, copy.byteOffset, n) };
}

function typeOf(name: string, datatype: string): Tensor["type"] {
  const type = types[datatype as keyof typeof types];
  if (type === undefined) throw new RangeError(`output ${name} has the type ${datatype}`);
  return type;
}

export const bytesOf = (data: Tensor["data"]): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
