import type { Box, Mask, Pixels, RgbdFrame } from "../geometry/index.js";
import type { BackendReport, CallOptions } from "../inference/index.js";
import type { Command, Destination, Offer, Question } from "./query/types.js";

/** One object the query names. */
export interface Detection {
  /** In pixels of the original image. */
  readonly box: Box;
  /** 0..1. */
  readonly score: number;
  /** Of the original image's size. */
  readonly mask: Mask;
  /** Where the mask is from, when the model drew none: its box, the depth image inside the box, or a refining model. */
  readonly maskSource?: MaskSource;
  /** Which of the command's targets it is, from 0; absent where the query has one. */
  readonly target?: number;
}

export const maskSources = ["box", "depth", "refined"] as const;
export type MaskSource = (typeof maskSources)[number];

/** Object probability over the whole image at the model's resolution: height × width, 0..1. */
export interface Heatmap {
  readonly width: Pixels;
  readonly height: Pixels;
  readonly data: Float32Array;
  /** The model finds boxes: each pixel has the score of the best box around it. */
  readonly fromBoxes?: boolean;
}

/** Milliseconds by stage; a stage served from a cache reads 0. */
export type Timings = Readonly<Record<string, number>>;

/** A query in another language than English. */
export interface QueryLanguage {
  /** ISO 639-1; "" where it cannot be told. */
  readonly code: string;
  /** What the configured translation made of it. Without one the query was not understood, and nothing is found. */
  readonly translated?: string;
}

/** Where the destination's landmarks were found; `detection` is missing where one was not. */
export interface FoundDestination extends Destination {
  readonly found: readonly { readonly phrase: string; readonly detection?: Detection }[];
}

/** When a question is asked back: never, when several objects fit equally well, or before every answer. */
export type AskPolicy = "never" | "when_unsure" | "always";

/** What a query was understood as. */
interface Understanding {
  /** Absent where the query could not be taken apart: the model was asked it as it was said. */
  readonly command?: Command;
  readonly language?: QueryLanguage;
  readonly destination?: FoundDestination;
  /** Several objects fit equally well: they are the first detections. */
  readonly question?: Question;
  /**
   * Queries that find the object again on another image, whatever was said before: the target said out ("the mug" for
   * "the other one"), then phrases for every object of its kind. Absent where the query says it all.
   */
  readonly phrases?: readonly string[];
}

/** What was found for one query on one frame. */
export interface Grounding extends Understanding {
  readonly query: string;
  /** Name of the model. */
  readonly model: string;
  /** Where it ran, and on what: `in-process/cpu`, `zmq/in-process/cuda`. */
  readonly backend?: string;
  readonly found: boolean;
  /** Best first; empty unless `found`. */
  readonly detections: readonly Detection[];
  /**
   * Every object that the model drew for the query, those that it holds for less likely included; `score` is each one's
   * share of the place map, 0..1. Only where `alternatives` asks for them, and of models that draw whole objects.
   */
  readonly alternatives?: readonly Detection[];
  /** Probability that the described object is in the image, 0..1. */
  readonly presence: number;
  readonly heatmap: Heatmap;
  readonly timings: Timings;
  /**
   * Milliseconds of the steps inside `encode`, `text` and `decode`, this query's share: `compare` with the images that
   * are known, `tokens`, `jpeg`, `resize`, `hash`, `hand_over`, `wait`, `encoder`, `text`, `decoder`, `locate`, and
   * `heatmap` from logits. A step that was not done is absent.
   */
  readonly steps?: Timings;
}

/**
 * How much work an answer is worth. `fast`: the image is looked at once. `careful`: the best candidates are cropped
 * from the image at its own resolution, looked at again and chosen among with the query; then the answer is erased from
 * the image, and the query asked again, because the object's presence has to fall without it.
 */
export const efforts = ["fast", "careful"] as const;
export type Effort = (typeof efforts)[number];

export interface GroundOptions extends CallOptions {
  /** Default `fast`. A model without candidates answers both alike. */
  readonly effort?: Effort | undefined;
  readonly ask?: AskPolicy;
  /** Give `Grounding.alternatives` too. */
  readonly alternatives?: boolean;
  /** Queries that get them; default all. Drawing them takes longer than the query itself. */
  readonly alternativesOf?: ReadonlySet<string>;
  /** Whose query it is: "it" and "the other one" mean that client's last answer. Without it nothing is remembered. */
  readonly client?: string;
  /** Whose each query is, in their order, where they differ; in place of `client`. */
  readonly clients?: readonly (string | undefined)[];
}

/** Query + image -> objects. A frame is encoded once however many queries it gets. */
export interface Grounder {
  readonly model: string;
  /** Where the model runs, and on what. */
  readonly runsOn?: string;
  /** Counters and states of the back end, for diagnostics. */
  readonly backendReport?: BackendReport;
  /**
   * One grounding a query, in their order.
   * @param options.signal cancels the rest of the work; `ask` and `client` are for a grounder that understands commands
   * @throws GraspGroundingError QUERY_*, IMAGE_*, INFERENCE_FAILED, INFERENCE_CANCELLED
   */
  ground(
    frame: Pick<RgbdFrame, "colour" | "depth">,
    queries: readonly string[],
    options?: GroundOptions,
  ): Promise<readonly Grounding[]>;
  /**
   * Offers a client another object in place of the one of its last answer: its "yes" then means that object.
   * @returns the question; undefined where nobody is asked, or the client has just said no
   */
  offer?(offer: Offer, options: Pick<GroundOptions, "ask" | "client">): Question | undefined;
  close(): Promise<void>;
}
