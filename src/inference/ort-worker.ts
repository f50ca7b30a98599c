import { parentPort, workerData } from "node:worker_threads";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { ModelPart, Tensor, Tensors } from "./port.js";

export interface WorkerRequest {
  readonly id: number;
  readonly part: ModelPart;
  readonly feeds: Tensors;
}

/** Answer to a request; id -1 says that the model is loaded (or why not). */
export type WorkerReply =
  | { readonly id: number; readonly outputs: Tensors; readonly error?: undefined }
  | { readonly id: number; readonly error: string };

interface Settings {
  /** A model of one part gives only that one. */
  readonly files: Readonly<Partial<Record<ModelPart, string>>>;
  readonly provider: string;
  readonly threads: number;
}

const { files, provider, threads } = workerData as Settings;
const port = parentPort;
if (port === null) throw new Error("the inference worker runs as a worker thread only");

async function open(file: string): Promise<InferenceSession> {
  return InferenceSession.create(file, {
    executionProviders: [provider],
    graphOptimizationLevel: "all",
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    // A session's threads would spin for a while after each run and take the cores from the next part's.
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  });
}

function toTensor(value: OrtTensor): Tensor {
  if (value.type !== "float32" && value.type !== "int64" && value.type !== "uint8") {
    throw new Error(`output type ${value.type} is not supported`);
  }
  return { type: value.type, dims: value.dims, data: value.data as Float32Array };
}

async function run(session: InferenceSession, feeds: Tensors): Promise<Tensors> {
  const inputs: Record<string, OrtTensor> = {};
  for (const name of session.inputNames) {
    const feed = feeds[name];
    if (feed === undefined) throw new Error(`input ${name} is missing`);
    inputs[name] = new OrtTensor(feed.type, feed.data as Float32Array, feed.dims);
  }
  const results = await session.run(inputs);
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [name, toTensor(value as OrtTensor)]),
  );
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

try {
  const sessions: Partial<Record<ModelPart, InferenceSession>> = {};
  for (const part of Object.keys(files) as ModelPart[]) sessions[part] = await open(files[part] as string);
  port.on("message", ({ id, part, feeds }: WorkerRequest) => {
    run(sessions[part] as InferenceSession, feeds).then(
      (outputs) => {
        const transfer = Object.values(outputs).map((tensor) => tensor.data.buffer as ArrayBuffer);
        port.postMessage({ id, outputs } satisfies WorkerReply, [...new Set(transfer)]);
      },
      (error) => port.postMessage({ id, error: text(error) } satisfies WorkerReply),
    );
  });
  port.postMessage({ id: -1, outputs: {} } satisfies WorkerReply);
} catch (error) {
  port.postMessage({ id: -1, error: text(error) } satisfies WorkerReply);
}
