import type { ColourImage } from "../geometry/index.js";
import type { ManifestSession } from "./in-process/session-options.js";

/** A dense tensor, row-major. */
export interface Tensor {
  readonly type: "float32" | "int64" | "uint8";
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Uint8Array;
  /** Handle of features that stay at the back end; `data` is then empty. */
  readonly featureHandle?: object;
}

/** Tensors by their names in the ONNX graph. */
export type Tensors = Readonly<Record<string, Tensor>>;

/**
 * Input of a model: images stretched to width × height, channels R, G, B with the value (pixel * scale - mean) / std.
 */
export interface ImageFormat {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** The three parts of a grounding model. */
export type ModelPart = "encoder" | "text" | "decoder";

/** The parts' files, their names of inputs and outputs, and how to run them. */
export interface ModelFiles {
  readonly name: string;
  readonly files: Readonly<Record<ModelPart, string>>;
  /** SHA-256 of each part; a worker on another machine must have the same. */
  readonly hashes: Readonly<Record<ModelPart, string>>;
  /** The encoder's input and its name. */
  readonly input: ImageFormat & { readonly name: string };
  /** Names of each part's outputs. */
  readonly outputs: Readonly<Record<ModelPart, readonly string[]>>;
  /** Names of the decoder's inputs. */
  readonly decoderInputs: readonly string[];
  /** The manifest's field `session`. */
  readonly session?: ManifestSession | undefined;
  /** Length in tokens that a query is padded to, for models with a fixed length. */
  readonly tokens?: number | undefined;
}

export interface CallOptions {
  /** Cancels the call: requests that were not sent are dropped, also those that wait at a worker. */
  readonly signal?: AbortSignal | undefined;
}

/** Counters and states of a back end for diagnostics: names to numbers and short texts. */
export type BackendReport = Readonly<Record<string, string | number>>;

/** Runs tensors in this process, in workers, or on a server. Safe to call concurrently. */
export interface InferenceBackend {
  /** Kind of back end and execution provider, reported with every result, e.g. `in-process/cpu`. */
  readonly description: string;
  /** An image, decoded and resized off the event loop -> feature levels. */
  encodeImage(image: ColourImage, options?: CallOptions): Promise<Tensors>;
  /** Image batch in the encoder's input form -> feature levels. */
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
