import type { ColourImage } from "../geometry/index.js";
import type { ManifestSession } from "./in-process/session-options.js";

/** A dense tensor, row-major. */
export interface Tensor {
  readonly type: "float32" | "int64" | "uint8";
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Uint8Array;
  /** Of a back end that keeps features where it made them: says which, and `data` is empty. */
  readonly featureHandle?: object;
}

/** Tensors by the name they have in the ONNX graph. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** What a model takes: images stretched to width × height, a channel's value (pixel * scale - mean) / std, in the order R, G, B. */
export interface ImageFormat {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The three parts of a grounding model. */
export type ModelPart = "encoder" | "text" | "decoder";

/** Where the parts' files are, what they are, and how to run them. */
export interface ModelFiles {
  readonly name: string;
  readonly files: Readonly<Record<ModelPart, string>>;
  /** SHA-256 of each part: what a worker elsewhere must have too. */
  readonly hashes: Readonly<Record<ModelPart, string>>;
  /** What the encoder takes, and the name of that input. */
  readonly input: ImageFormat & { readonly name: string };
  /** Names of what each part gives. */
  readonly outputs: Readonly<Record<ModelPart, readonly string[]>>;
  /** Names of what the decoder takes. */
  readonly decoderInputs: readonly string[];
  /** The manifest's field `session`. */
  readonly session?: ManifestSession | undefined;
  /** Tokens a query is padded to, where the model wants a fixed number. */
  readonly tokens?: number | undefined;
}

export interface CallOptions {
  /** Whoever asked gives up: what was not sent is not sent, what waits at a worker is dropped. */
  readonly signal?: AbortSignal | undefined;
}

/** What a back end has done so far and how its parts are, for diagnostics: names to numbers and short texts. */
export type BackendReport = Readonly<Record<string, string | number>>;

/** Where tensors are run: in this process, in workers, or on a server. Safe to call concurrently. */
export interface InferenceBackend {
  /** Kind of back end and execution provider, reported with every result, e.g. `in-process/cpu`. */
  readonly description: string;
  /** An image, decoded and resized off the event loop -> feature levels. */
  encodeImage(image: ColourImage, options?: CallOptions): Promise<Tensors>;
  /** Image batch as the encoder takes it -> feature levels. */
  encodeFrame(feeds: Tensors, options?: CallOptions): Promise<Tensors>;
  /** Token batch -> text features. */
  encodeText(feeds: Tensors, options?: CallOptions): Promise<Tensors>;
  /** Features of one image and a batch of queries -> logits, one row a query. */
  decode(feeds: Tensors, options?: CallOptions): Promise<Tensors>;
  /** Counters and states. */
  report?(): BackendReport;
  close(): Promise<void>;
}

/** Number of elements a tensor of these dimensions has. */
export const elementCount = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);
