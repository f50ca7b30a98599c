import type { InferenceSession } from "onnxruntime-node";
import type { ModelFiles, ModelPart } from "../port.js";

/** Options for running a model in Triton. */
export interface TritonOptions {
  /** Limit of images, or queries, in one batch of the scheduler. */
  readonly maxBatch: number;
  /** Microseconds that the first of a batch waits for others. */
  readonly queueDelay: number;
  /** Copies of each part on a device. */
  readonly instances: number;
  readonly kind: "gpu" | "cpu";
  /** Run the graph in TensorRT through ONNX Runtime; its engines are stored next to the model. */
  readonly tensorrt: boolean;
  readonly fp16: boolean;
}

/** Inputs and outputs of a part's file by ONNX Runtime. */
export type PartMetadata = Pick<InferenceSession, "inputMetadata" | "outputMetadata">;

type Value = InferenceSession.ValueMetadata;

const triton = { float32: "TYPE_FP32", int64: "TYPE_INT64", uint8: "TYPE_UINT8", bool: "TYPE_BOOL" } as const;

/** The parts of a model in Triton's model repository, and the ensemble of encoder and decoder. */
export const partName = (model: string, part: ModelPart | "locate"): string => `${model}-${part}`;

/** A part batches requests when all its inputs and outputs have an open first axis. */
const canBatch = (part: ModelPart, { inputMetadata, outputMetadata }: PartMetadata): boolean =>
  part !== "decoder" &&
  [...inputMetadata, ...outputMetadata].every((v) => v.isTensor && typeof v.shape[0] !== "number");

/** config.pbtxt of one part. */
export function partConfig(
  model: ModelFiles,
  part: ModelPart,
  metadata: PartMetadata,
  options: TritonOptions,
): string {
  const batching = canBatch(part, metadata) && options.maxBatch > 1;
  const skip = batching ? 1 : 0;
  const kind = options.kind === "gpu" ? "KIND_GPU" : "KIND_CPU";
  return `${[
    `name: ${quote(partName(model.name, part))}`,
    `backend: "onnxruntime"`,
    `max_batch_size: ${batching ? options.maxBatch : 0}`,
    ...metadata.inputMetadata.map((value) => tensor("input", value, skip)),
    ...metadata.outputMetadata.map((value) => tensor("output", value, skip)),
    `instance_group [ { count: ${options.instances} kind: ${kind} } ]`,
    ...(batching ? [`dynamic_batching { max_queue_delay_microseconds: ${options.queueDelay} }`] : []),
    ...(options.tensorrt && options.kind === "gpu" ? [accelerator(model.name, part, options)] : []),
    `parameters { key: "sha256" value { string_value: ${quote(model.hashes[part] ?? "")} } }`,
  ].join("\n")}\n`;
}

/** config.pbtxt of the ensemble: image and text features in, logits out; features of the image stay on the server. */
export function locateConfig(model: ModelFiles, encoder: PartMetadata, decoder: PartMetadata): string {
  const made = new Set(model.outputs.encoder ?? []);
  const image = encoder.inputMetadata.filter(({ name }) => name === model.input.name);
  const rest = decoder.inputMetadata.filter(({ name }) => !made.has(name));
  const shared = decoder.inputMetadata.filter(({ name }) => made.has(name)).map(({ name }) => name);
  const map = (key: "input" | "output", names: readonly string[]) =>
    names.map((name) => `    ${key}_map { key: ${quote(name)} value: ${quote(name)} }`);
  const step = (part: ModelPart, inputs: readonly string[], outputs: readonly string[]) => [
    "  step {",
    `    model_name: ${quote(partName(model.name, part))}`,
    "    model_version: -1",
    ...map("input", inputs),
    ...map("output", outputs),
    "  }",
  ];
  const names = (values: readonly Value[]) => values.map(({ name }) => name);
  return `${[
    `name: ${quote(partName(model.name, "locate"))}`,
    `platform: "ensemble"`,
    "max_batch_size: 0",
    ...image.map((value) => tensor("input", value, 0)),
    ...rest.map((value) => tensor("input", value, 0)),
    ...decoder.outputMetadata.map((value) => tensor("output", value, 0)),
    "ensemble_scheduling {",
    ...step("encoder", names(image), shared),
    ...step("decoder", names(decoder.inputMetadata), names(decoder.outputMetadata)),
    "}",
  ].join("\n")}\n`;
}

function tensor(key: "input" | "output", value: Value, skip: number): string {
  if (!value.isTensor) throw new RangeError(`${value.name} is no tensor`);
  const type = triton[value.type as keyof typeof triton];
  if (type === undefined) throw new RangeError(`${value.name} has the type ${value.type}`);
  const dims = value.shape.slice(skip).map((length) => (typeof length === "number" ? length : -1));
  // One value a row has only the batch's axis; Triton requires another.
  const shape = dims.length === 0 ? "dims: [ 1 ] reshape { shape: [ ] }" : `dims: [ ${dims.join(", ")} ]`;
  return `${key} [ { name: ${quote(value.name)} data_type: ${type} ${shape} } ]`;
}

function accelerator(name: string, part: ModelPart, { fp16 }: TritonOptions): string {
  const parameters = [
    ["precision_mode", fp16 ? "FP16" : "FP32"],
    ["trt_engine_cache_enable", "true"],
    ["trt_engine_cache_path", `/models/.engines/${partName(name, part)}`],
  ].map(([key, value]) => `      parameters { key: "${key}" value: "${value}" }`);
  return [
    "optimization { execution_accelerators {",
    '  gpu_execution_accelerator : [ { name : "tensorrt"',
    ...parameters,
    "  } ]",
    "} }",
  ].join("\n");
}

const quote = (text: string): string => JSON.stringify(text);
