import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workerData } from "node:worker_threads";
import { env, type InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { type Reply, reportStarted, reportStartFailure, serve } from "../../workers/index.js";
import { modelParts, type Tensor, type Tensors } from "../port.js";
import type { Step, Timed } from "../steps.js";
import { preloadGpuLibraries } from "./gpu-preload.js";
import { joinPlacements, type Placement, placementOf } from "./providers.js";
import { type OpenSettings, openSessions, type Run, type Sessions, sessionFor } from "./sessions.js";
import { warmUpFeeds } from "./warm-up.js";

/** A run of one part of the model. The reply is its outputs. */
export interface InferenceRequest {
  readonly part: Run;
  readonly feeds: Tensors;
  /** Inputs of the decoder that the encoder does not make: it runs next, and the reply has the outputs of both. */
  readonly decoderFeeds?: Tensors | undefined;
}

/** The model is loaded. */
export interface Loaded {
  /** Names of each part's inputs. */
  readonly inputs: Readonly<Partial<Record<Run, readonly string[]>>>;
  /** Operators by provider, for a model that was warmed up on a provider other than the CPU. */
  readonly placement?: Placement;
}

export interface WorkerSettings extends OpenSettings {
  /** Names of the outputs to fetch, by part; all of them where a part has none. */
  readonly outputs: Readonly<Partial<Record<Run, readonly string[]>>>;
  /** Run once on made-up input before the model counts as loaded, and count the operators by provider. */
  readonly warmUp: boolean;
  /** Tokens of a made-up query. */
  readonly tokens: number;
  /** Inputs of that run which cannot be made up. */
  readonly warmUpFeeds: Tensors;
}

const settings = workerData as WorkerSettings;

// The thread that started this one reports errors once; ONNX Runtime would print them a second time.
env.logLevel = "fatal";

function toTensor(value: OrtTensor): Tensor {
  if (value.type !== "float32" && value.type !== "int64" && value.type !== "uint8") {
    throw new Error(`output type ${value.type} is not supported`);
  }
  return { type: value.type, dims: value.dims, data: value.data as Float32Array };
}

async function run(session: InferenceSession, part: Run, feeds: Tensors): Promise<Tensors> {
  const inputs: Record<string, OrtTensor> = {};
  for (const name of session.inputNames) {
    const feed = feeds[name];
    if (feed === undefined) throw new Error(`input ${name} is missing`);
    inputs[name] = new OrtTensor(feed.type, feed.data as Float32Array, feed.dims);
  }
  const wanted = settings.outputs[part];
  const results = await (wanted === undefined ? session.run(inputs) : session.run(inputs, wanted));
  return Object.fromEntries(
    Object.entries(results).map(([name, value]) => [name, toTensor(value as OrtTensor)]),
  );
}

/** Runs every part once, each on the outputs of the parts before it. */
async function runOnce(sessions: Sessions): Promise<void> {
  let known = settings.warmUpFeeds;
  for (const part of [...modelParts, "locate"] as const) {
    const session = sessions[part];
    const feeds = session && warmUpFeeds(session.inputMetadata, known, settings.tokens, part);
    // Parts that do not match are reported when they are used.
    if (session === undefined || feeds === undefined) continue;
    known = { ...known, ...feeds, ...(await run(session, part, feeds)) };
  }
}

async function load(): Promise<{ sessions: Sessions; placement?: Placement }> {
  if (settings.providers.includes("cuda") || settings.providers.includes("tensorrt"))
    await preloadGpuLibraries();
  if (!settings.warmUp) return { sessions: await openSessions(settings) };
  if (settings.providers.every((name) => name === "cpu")) {
    const sessions = await openSessions(settings);
    await runOnce(sessions);
    return { sessions };
  }
  const profiles = await mkdtemp(join(tmpdir(), "grasp-grounding-profile-"));
  try {
    const sessions = await openSessions(settings, profiles);
    await runOnce(sessions);
    for (const session of Object.values(sessions)) session.endProfiling();
    const files = await readdir(profiles);
    const texts = await Promise.all(files.map((file) => readFile(join(profiles, file), "utf8")));
    return { sessions, placement: joinPlacements(texts.map(placementOf)) };
  } finally {
    await rm(profiles, { recursive: true, force: true });
  }
}

async function answer(request: InferenceRequest, sessions: Sessions): Promise<Reply<Timed<Tensors>>> {
  const ms: Partial<Record<Step, number>> = {};
  const runPart = async (part: Run, feeds: Tensors) => {
    const session = await sessionFor(sessions, settings, part, Object.keys(feeds));
    const began = performance.now();
    const outputs = await run(session, part, feeds);
    ms[part === "tensors" ? "encoder" : part] = performance.now() - began;
    return outputs;
  };
  let outputs = await runPart(request.part, request.feeds);
  if (request.decoderFeeds !== undefined)
    outputs = { ...outputs, ...(await runPart("decoder", { ...request.decoderFeeds, ...outputs })) };
  const buffers = Object.values(outputs).map((tensor) => tensor.data.buffer);
  return { value: { value: outputs, ms }, transfer: [...new Set(buffers)] };
}

try {
  const { sessions, placement } = await load();
  serve((request: InferenceRequest) => answer(request, sessions));
  const inputs = Object.fromEntries(
    Object.entries(sessions).map(([part, { inputNames }]) => [part, [...inputNames]]),
  );
  reportStarted({ inputs, ...(placement && { placement }) } satisfies Loaded);
} catch (error) {
  reportStartFailure(error);
}
