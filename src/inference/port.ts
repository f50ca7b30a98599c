import type { ManifestSession } from "./session-options.js";

/** A dense tensor, row-major. */
export interface Tensor {
  readonly type: "float32" | "int64" | "uint8";
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Uint8Array;
}

/** Tensors by the name they have in the ONNX graph. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** The three parts of a grounding model. */
export type ModelPart = "encoder" | "text" | "decoder";

/** Where the parts' files are, and how to run them. */
export interface ModelFiles {
  readonly name: string;
  readonly files: Readonly<Record<ModelPart, string>>;
  /** The manifest's field `session`. */
  readonly session?: ManifestSession | undefined;
  /** Tokens a sentence is padded to, where the model wants a fixed number. */
  readonly tokens?: number | undefined;
}

/** Where tensors are run: in this process, in workers, or on a server. Safe to call concurrently. */
export interface InferenceBackend {
  /** Kind of back end and execution provider, reported with every result, e.g. `in-process/cpu`. */
  readonly description: string;
  /** Picture batch -> feature levels. */
  encodeFrame(feeds: Tensors): Promise<Tensors>;
  /** Token batch -> text features. */
  encodeText(feeds: Tensors): Promise<Tensors>;
  /** Features of one picture and a batch of sentences -> logits, one row a sentence. */
  decode(feeds: Tensors): Promise<Tensors>;
  close(): Promise<void>;
}

/** Number of elements a tensor of these dimensions has. */
export const elementCount = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);
