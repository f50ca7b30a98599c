import type { Named, OnnxModel } from "./model.js";
import { bytesField, type Chunks, numberField } from "./wire.js";

/** Element types of ONNX's tensors. */
export const elementTypes = { float32: 1, uint8: 2, int64: 7 } as const;
export type ElementType = keyof typeof elementTypes;

/** Collects the nodes and constants of a small graph; every name begins with `prefix`. */
export class GraphWriter {
  readonly nodes: Uint8Array[] = [];
  readonly initializers: Named[] = [];
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /**
   * A node with one output.
   * @param attributes whole numbers, or lists of them
   * @returns name of its output, `as` where it is given
   */
  op(
    kind: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[]>> = {},
    as?: string,
  ): string {
    const name = `${this.#prefix}${kind}_${this.nodes.length}`;
    const output = as ?? name;
    const chunks: Chunks = [
      ...inputs.flatMap((input) => bytesField(1, input)),
      ...bytesField(2, output),
      ...bytesField(3, name),
      ...bytesField(4, kind),
      ...Object.entries(attributes).flatMap(([key, value]) => bytesField(5, attribute(key, value))),
    ];
    this.nodes.push(Buffer.concat(chunks));
    return output;
  }

  floats(values: readonly number[] | Float32Array, dims: readonly number[] = [values.length]): string {
    return this.#constant("float32", Float32Array.from(values), dims);
  }

  ints(values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#constant("int64", BigInt64Array.from(values, BigInt), dims);
  }

  #constant(type: ElementType, data: Float32Array | BigInt64Array, dims: readonly number[]): string {
    const name = `${this.#prefix}constant_${this.initializers.length}`;
    const chunks: Chunks = [
      ...dims.flatMap((length) => numberField(1, length)),
      ...numberField(2, elementTypes[type]),
      ...bytesField(8, name),
      ...bytesField(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
    ];
    this.initializers.push({ name, bytes: Buffer.concat(chunks) });
    return name;
  }

  /** The graph as a model of its own. @param opset version of the standard operators */
  model(inputs: readonly Named[], outputs: readonly Named[], opset: number): OnnxModel {
    return {
      opsets: new Map([["", opset]]),
      nodes: this.nodes,
      initializers: this.initializers,
      inputs,
      outputs,
      otherOfModel: [Buffer.concat([...numberField(1, 8), ...bytesField(2, "grasp-grounding")])],
      otherOfGraph: [Buffer.concat([...bytesField(2, this.#prefix.replace(/\W+$/, ""))])],
    };
  }
}

const intsType = 7;
const intType = 2;

function attribute(name: string, value: number | readonly number[]): Chunks {
  const list = typeof value !== "number";
  const numbers = list ? value.flatMap((each) => numberField(8, each)) : numberField(3, value);
  return [...bytesField(1, name), ...numbers, ...numberField(20, list ? intsType : intType)];
}

/** An input or output; a length is a number, or a name when it is open. Without lengths it has any shape. */
export function tensorValue(name: string, type: ElementType, dims?: readonly (number | string)[]): Named {
  const shape = dims?.flatMap((length) =>
    bytesField(1, typeof length === "number" ? numberField(1, length) : bytesField(2, length)),
  );
  const tensor = [...numberField(1, elementTypes[type]), ...(shape ? bytesField(2, shape) : [])];
  return { name, bytes: Buffer.concat([...bytesField(1, name), ...bytesField(2, bytesField(1, tensor))]) };
}
