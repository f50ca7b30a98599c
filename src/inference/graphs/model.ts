import { bytesField, type Chunks, fieldsOf, numberField, textOf } from "./wire.js";

/** Field numbers of ONNX's messages (onnx.proto); ONNX never changes them. */
const modelField = { graph: 7, opset: 8 } as const;
const graphField = { node: 1, initializer: 5, input: 11, output: 12, value: 13 } as const;
const nodeField = { input: 1, output: 2, name: 3, attribute: 5 } as const;
const attributeGraphs = [6, 11];
const valueName = 1;
const initializerName = 8;

/** An input, output or initialiser of a graph: a message whose bytes are not looked into. */
export interface Named {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** An ONNX file taken apart as far as joining graphs needs; everything else passes through as bytes. */
export interface OnnxModel {
  /** Version of each operator set by its domain; the standard one has the domain "". */
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly Uint8Array[];
  readonly initializers: readonly Named[];
  readonly inputs: readonly Named[];
  readonly outputs: readonly Named[];
  /** Other fields of the model and of the graph, as they are in the file. */
  readonly otherOfModel: readonly Uint8Array[];
  readonly otherOfGraph: readonly Uint8Array[];
}

/** Reads an ONNX file. @throws RangeError when it is none */
export function readModel(file: Uint8Array): OnnxModel {
  const opsets = new Map<string, number>();
  const otherOfModel: Uint8Array[] = [];
  let graph: Uint8Array | undefined;
  for (const { number, bytes, raw } of fieldsOf(file)) {
    if (number === modelField.graph) graph = bytes;
    else if (number === modelField.opset) opsets.set(...readOpset(bytes));
    else otherOfModel.push(raw);
  }
  if (graph === undefined) throw new RangeError("the file has no graph");
  const parts = {
    nodes: [] as Uint8Array[],
    initializers: [] as Named[],
    inputs: [] as Named[],
    outputs: [] as Named[],
    otherOfGraph: [] as Uint8Array[],
  };
  for (const { number, bytes, raw } of fieldsOf(graph)) {
    if (number === graphField.node) parts.nodes.push(bytes);
    else if (number === graphField.initializer)
      parts.initializers.push({ name: nameIn(bytes, initializerName), bytes });
    else if (number === graphField.input) parts.inputs.push({ name: nameIn(bytes, valueName), bytes });
    else if (number === graphField.output) parts.outputs.push({ name: nameIn(bytes, valueName), bytes });
    // Shapes of values between the nodes are hints, and found out again.
    else if (number !== graphField.value) parts.otherOfGraph.push(raw);
  }
  return { opsets, otherOfModel, ...parts };
}

function readOpset(message: Uint8Array): [string, number] {
  let domain = "";
  let version = 0;
  for (const { number, bytes, value } of fieldsOf(message)) {
    if (number === 1) domain = textOf(bytes);
    if (number === 2) version = Number(value);
  }
  return [domain === "ai.onnx" ? "" : domain, version];
}

function nameIn(message: Uint8Array, field: number): string {
  for (const { number, bytes } of fieldsOf(message)) if (number === field) return textOf(bytes);
  return "";
}

/** The bytes of an ONNX file. */
export function writeModel(model: OnnxModel): Uint8Array {
  const graph: Chunks = [
    ...model.nodes.flatMap((bytes) => bytesField(graphField.node, [bytes])),
    ...model.otherOfGraph,
    ...model.initializers.flatMap(({ bytes }) => bytesField(graphField.initializer, [bytes])),
    ...model.inputs.flatMap(({ bytes }) => bytesField(graphField.input, [bytes])),
    ...model.outputs.flatMap(({ bytes }) => bytesField(graphField.output, [bytes])),
  ];
  const opsets = [...model.opsets].flatMap(([domain, version]) =>
    bytesField(modelField.opset, [
      ...(domain === "" ? [] : bytesField(1, domain)),
      ...numberField(2, version),
    ]),
  );
  return Buffer.concat([...model.otherOfModel, ...opsets, ...bytesField(modelField.graph, graph)]);
}

/** Names of the values that a graph's nodes make, and of its initialisers. */
export function madeNames(model: OnnxModel): Set<string> {
  const names = new Set(model.initializers.map(({ name }) => name));
  for (const node of model.nodes)
    for (const { number, bytes } of fieldsOf(node)) if (number === nodeField.output) names.add(textOf(bytes));
  names.delete("");
  return names;
}

/**
 * The model with `prefix` before the name of every value inside it, of every node, and of every open length.
 * @param keep names that stay as they are
 * @throws RangeError when a node holds a graph of its own, whose names are not changed here
 */
export function withPrefix(model: OnnxModel, prefix: string, keep: ReadonlySet<string>): OnnxModel {
  const renamed = (name: string) => (name === "" || keep.has(name) ? name : prefix + name);
  const named =
    (field: number, lengths: boolean) =>
    (each: Named): Named => ({
      name: renamed(each.name),
      bytes: Buffer.concat(
        [...fieldsOf(each.bytes)].flatMap(({ number, bytes, raw }) => {
          if (number === field) return bytesField(number, renamed(each.name));
          return lengths && number === 2 ? bytesField(2, prefixLengths(bytes, prefix)) : [raw];
        }),
      ),
    });
  return {
    ...model,
    nodes: model.nodes.map((node) => renameNode(node, renamed, prefix)),
    initializers: model.initializers.map(named(initializerName, false)),
    inputs: model.inputs.map(named(valueName, true)),
    outputs: model.outputs.map(named(valueName, true)),
  };
}

function renameNode(node: Uint8Array, renamed: (name: string) => string, prefix: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  for (const { number, bytes, raw } of fieldsOf(node)) {
    if (number === nodeField.input || number === nodeField.output)
      chunks.push(...bytesField(number, renamed(textOf(bytes))));
    else if (number === nodeField.name) chunks.push(...bytesField(number, prefix + textOf(bytes)));
    else {
      if (
        number === nodeField.attribute &&
        [...fieldsOf(bytes)].some((f) => attributeGraphs.includes(f.number))
      )
        throw new RangeError("a node has a graph inside (If, Loop or Scan)");
      chunks.push(raw);
    }
  }
  return Buffer.concat(chunks);
}

/** Path of fields from a value's type to a length's name: tensor_type, shape, dim, dim_param. */
const lengthPath = [1, 2, 1, 2] as const;

/** Equal names of open lengths mean equal lengths: those of two graphs must differ. */
function prefixLengths(message: Uint8Array, prefix: string, depth = 0): Chunks {
  return [...fieldsOf(message)].flatMap(({ number, bytes, raw }) => {
    if (number !== lengthPath[depth]) return [raw];
    if (depth === lengthPath.length - 1) return bytesField(number, prefix + textOf(bytes));
    return bytesField(number, prefixLengths(bytes, prefix, depth + 1));
  });
}
