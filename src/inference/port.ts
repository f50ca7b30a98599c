import type { ColourImage } from "../geometry/index.js";
import type { ManifestSession } from "./in-process/session-options.js";
import type { Resample } from "./preprocess/resize.js";
import type { OnStep } from "./steps.js";

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
 * How an image becomes a model's input size.
 * - `stretch`: to width × height, whatever its proportions.
 * - `shortest-edge`: proportions stay; the shorter side becomes `height`, unless the longer one would exceed `width`.
 * - `longest-edge`: proportions stay; the longer side becomes `width`.
 * - `pad-square`: black is added right of the image or below it, then the square is resized smoothly to width × height.
 */
type ImageFit = "stretch" | "shortest-edge" | "longest-edge" | "pad-square";

/**
 * Input of a model: images brought to its size, channels R, G, B with the value (pixel * scale - mean) / std.
 */
export interface ImageFormat {
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Default `stretch`. */
  readonly fit?: ImageFit | undefined;
  /** Filter of Pillow, for every fit but `pad-square`. Default `bilinear`. */
  readonly resample?: Resample | undefined;
  /** Size that zeros complete after normalisation, right of the resized image and below it. Default: none. */
  readonly padTo?: { readonly width: number; readonly height: number } | undefined;
}

/** The input of a model that takes images. */
export interface ImageInput extends ImageFormat {
  readonly name: string;
  /** Name of a further input, int64 [1, h, w], that is 1 where the image is and 0 where it was padded. */
  readonly pixelMask?: string | undefined;
}

/** The parts of a grounding model, in the order in which they run. */
export const modelParts = ["encoder", "text", "decoder"] as const;
export type ModelPart = (typeof modelParts)[number];

type ByPart<T> = Readonly<Partial<Record<ModelPart, T>>>;

/**
 * The parts' files, their names of inputs and outputs, and how to run them. A model of one graph has only a decoder,
 * which reads the image and the query: without an encoder the features of an image are the encoder's input itself,
 * without a text part a query has no features in addition to its tokens.
 */
export interface ModelFiles {
  readonly name: string;
  readonly files: ByPart<string>;
  /** SHA-256 of each part; a worker on another machine must have the same. */
  readonly hashes: ByPart<string>;
  /** The encoder's input and its name. */
  readonly input: ImageInput;
  /** Names of each part's outputs that are read. */
  readonly outputs: ByPart<readonly string[]>;
  /** Names of the decoder's inputs. */
  readonly decoderInputs: readonly string[];
  /** The manifest's field `session`. */
  readonly session?: ManifestSession | undefined;
  /** Length in tokens that a query is padded to, for models with a fixed length. */
  readonly tokens?: number | undefined;
  /**
   * Outputs of the decoder that only count as probabilities, those of 1 or -1 times the logits. A back end may give
   * `probabilitiesOf` such an output in its place, with the highest one of each row as `highestOf`.
   */
  readonly probabilities?: Readonly<Record<string, 1 | -1>>;
  /** Artificial inputs by name, for a first run of parts whose inputs cannot be made up from their shapes. */
  readonly warmUpFeeds?: Tensors | undefined;
}

export interface CallOptions {
  /** Cancels the call: requests that were not sent are dropped, also those that wait at a worker. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The image that the features are made of, as it is now. A back end that is given it with `encodeImage` need not hash
   * it: whoever gives it there also gives it to `decode`, which may have to send it again.
   */
  readonly image?: ColourImage | undefined;
  /** Called with each step of the call and its milliseconds. */
  readonly onStep?: OnStep | undefined;
}

/** Counters and states of a back end for diagnostics: names to numbers and short texts. */
export type BackendReport = Readonly<Record<string, string | number>>;

/** Queries of one image, in one run. */
export interface Asked {
  readonly image: ColourImage;
  /** Its features, where they are known. */
  readonly features?: Tensors | undefined;
  /** The tokens of each query. */
  readonly tokens: readonly Tensors[];
}

/** Text features of each query, and the decoder's outputs with a row each; those of `locate` where it stood for it. */
export interface Answered {
  readonly texts: readonly Tensors[];
  readonly outputs: Tensors;
}

/** Runs tensors in this process, in workers, or on a server. Safe to call concurrently. */
export interface InferenceBackend {
  /** Kind of back end and execution provider, reported with every result, e.g. `in-process/cpu`. */
  readonly description: string;
  /** An image, decoded and resized off the event loop -> feature levels. */
  encodeImage(image: ColourImage, options?: CallOptions): Promise<Tensors>;
  /** Image batch in the encoder's input form -> feature levels. */
  encodeFrame(feeds: Tensors, options?: CallOptions): Promise<Tensors>;
  /** The encoder takes pixels too, uint8 [N, height, width, 3] of any size, named `pixels`. */
  readonly takesPixels?: boolean;
  /**
   * An image and the decoder's other inputs for a batch of queries -> feature levels and logits, in one run. Absent
   * where the back end has no graph for it.
   */
  locate?(image: ColourImage, feeds: Tensors, options?: CallOptions): Promise<Tensors>;
  /** Token batch -> text features. */
  encodeText(feeds: Tensors, options?: CallOptions): Promise<Tensors>;
  /** Features of one image and a batch of queries -> logits, one row a query. */
  decode(feeds: Tensors, options?: CallOptions): Promise<Tensors>;
  /**
   * `decode`, or `locate` where there are no features, with the queries' tokens in place of their features, in one run.
   * Absent where the back end has none; it may also come and go with its workers.
   */
  readonly ask?: ((asked: Asked, options?: CallOptions) => Promise<Answered>) | undefined;
  /** Names of the inputs of a part's graph; undefined where the back end does not know them. */
  inputsOf?(part: ModelPart): readonly string[] | undefined;
  /** Counters and states. */
  report?(): BackendReport;
  close(): Promise<void>;
}

export const probabilitiesOf = (output: string): string => `${output}:probabilities`;
export const highestOf = (output: string): string => `${output}:highest`;

/** Number of elements a tensor of these dimensions has. */
export const elementCount = (dims: readonly number[]): number => dims.reduce((n, d) => n * d, 1);
