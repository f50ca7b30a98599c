import type { ColourImage } from "../../geometry/index.js";
import type { ImageFormat, Tensors } from "../port.js";
import { type OnnxModel, writeModel } from "./model.js";
import { GraphWriter, tensorValue } from "./writer.js";

/** Name of the input: uint8 [N, height, width, 3], R, G, B. */
export const pixelsName = "pixels";
/** Before every name of the nodes that this file makes. */
const pixelsPrefix = "pixels/";
/** Oldest operator set whose operators have the form used here. */
const leastOpset = 13;

const weightSteps = 2 ** 22;
const float32 = 1;

/** Whether the graph below makes a model's input: images are stretched with the bilinear filter. */
export const fitsGraph = ({ fit, resample, padTo }: ImageFormat): boolean =>
  (fit === undefined || fit === "stretch") && (resample ?? "bilinear") === "bilinear" && padTo === undefined;

/**
 * Adds the nodes that bring images to a model's input: `pixels` uint8 [N, h, w, 3] of any size, to `output` float32
 * [N, 3, height, width] with (pixel * scale - mean) / std. The filter is Pillow's bilinear one as in resize.ts, as two
 * products with matrices that the graph makes of the image's size. ONNX's own Resize with antialias is not used:
 * CUDA has it only since operator set 18, with known faults, and TensorRT refuses it.
 */
function addPixelNodes(graph: GraphWriter, output: string, format: ImageFormat): void {
  const { width, height, scale, mean, std } = format;
  const size = graph.op("Shape", [pixelsName]);
  const high = graph.op("Gather", [size, graph.ints([1])]);
  const wide = graph.op("Gather", [size, graph.ints([2])]);
  const planes = graph.op("Transpose", [graph.op("Cast", [pixelsName], { to: float32 })], {
    perm: [0, 3, 1, 2],
  });
  // Columns first, then rows, each rounded to bytes.
  const narrowed = rounded(graph, graph.op("MatMul", [planes, weights(graph, wide, width, "columns")]));
  const stretched = rounded(graph, graph.op("MatMul", [weights(graph, high, height, "rows"), narrowed]));
  const gains = std.map((deviation) => scale / deviation);
  const offsets = mean.map((value, channel) => -value / (std[channel] ?? 1));
  const scaled = graph.op("Mul", [stretched, graph.floats(gains, [3, 1, 1])]);
  graph.op("Add", [scaled, graph.floats(offsets, [3, 1, 1])], {}, output);
}

function rounded(graph: GraphWriter, values: string): string {
  return graph.op("Floor", [graph.op("Add", [values, graph.floats([0.5])])]);
}

/**
 * Weights of a triangle as wide as the reduction needs: [length, target] for columns, [target, length] for rows.
 * Source index k and target index i are |(2k + 1) target - (2i + 1) length| / (2 max(length, target)) apart: whole
 * numbers, exact in float32 for images of up to 2^23 pixels of length times target.
 */
function weights(graph: GraphWriter, length: string, target: number, form: "rows" | "columns"): string {
  const along = form === "columns" ? [-1, 1] : [1, -1];
  const across = form === "columns" ? [1, target] : [target, 1];
  const scalar = graph.op("Squeeze", [length, graph.ints([0])]);
  const indices = graph.op("Range", [graph.ints([0], []), scalar, graph.ints([1], [])]);
  const source = graph.op("Reshape", [graph.op("Cast", [indices], { to: float32 }), graph.ints(along)]);
  const odd = graph.op("Add", [
    graph.op("Mul", [source, graph.floats([2 * target])]),
    graph.floats([target]),
  ]);
  const span = graph.op("Cast", [length], { to: float32 });
  const centres = graph.floats(
    Array.from({ length: target }, (_, i) => 2 * i + 1),
    across,
  );
  const apart = graph.op("Abs", [graph.op("Sub", [odd, graph.op("Mul", [centres, span])])]);
  const reach = graph.op("Mul", [graph.op("Max", [span, graph.floats([target])]), graph.floats([2])]);
  const triangle = graph.op("Relu", [graph.op("Sub", [graph.floats([1]), graph.op("Div", [apart, reach])])]);
  const sum = graph.op("ReduceSum", [triangle, graph.ints([form === "columns" ? 0 : 1])], { keepdims: 1 });
  const steps = graph.op("Mul", [graph.op("Div", [triangle, sum]), graph.floats([weightSteps])]);
  return graph.op("Mul", [rounded(graph, steps), graph.floats([1 / weightSteps])]);
}

const pixelsInput = () => tensorValue(pixelsName, "uint8", ["N", "height", "width", 3]);

/** A graph of its own: `pixels` in, the model's input `name` out. */
export function pixelsModel(format: ImageFormat & { readonly name: string }): Uint8Array {
  const graph = new GraphWriter(pixelsPrefix);
  addPixelNodes(graph, format.name, format);
  const output = tensorValue(format.name, "float32", ["N", 3, format.height, format.width]);
  return writeModel(graph.model([pixelsInput()], [output], 17));
}

/** A graph that copies a tensor of any shape on the device it runs on: float32 `from` -> `to`. */
export function copyModel(): Uint8Array {
  const graph = new GraphWriter("copy/");
  graph.op("Identity", ["from"], {}, "to");
  return writeModel(graph.model([tensorValue("from", "float32")], [tensorValue("to", "float32")], 17));
}

/**
 * An encoder that takes `pixels` instead of its own input.
 * @throws RangeError when the encoder has another form than the importers of this package write
 */
export function withPixels(encoder: OnnxModel, format: ImageFormat & { readonly name: string }): OnnxModel {
  const opset = encoder.opsets.get("") ?? 0;
  if (opset < leastOpset) throw new RangeError(`operator set ${opset} is older than ${leastOpset}`);
  if (!encoder.inputs.some(({ name }) => name === format.name))
    throw new RangeError(`the encoder has no input ${format.name}`);
  const graph = new GraphWriter(pixelsPrefix);
  addPixelNodes(graph, format.name, format);
  return {
    ...encoder,
    nodes: [...graph.nodes, ...encoder.nodes],
    initializers: [...encoder.initializers, ...graph.initializers],
    inputs: [pixelsInput(), ...encoder.inputs.filter(({ name }) => name !== format.name)],
  };
}

/** An image as feeds: uint8 [1, height, width, 3], in place. */
export const pixelFeeds = ({ width, height, data }: ColourImage): Tensors => ({
  [pixelsName]: { type: "uint8", dims: [1, height, width, 3], data },
});
