import type { Detection, Grounding } from "../types.js";
import type { Question } from "./question.js";
import type { Command, Destination } from "./types.js";

/** When a question is asked back: never, when several objects fit equally well, or before every answer. */
export const askPolicies = ["never", "when_unsure", "always"] as const;
export type AskPolicy = (typeof askPolicies)[number];

/** A query in another language than English. */
export interface QueryLanguage {
  /** ISO 639-1; "" where it cannot be told. */
  readonly code: string;
  /** What the configured translation made of it. Without one the query is not understood. */
  readonly translated?: string;
}

/** Where the destination's landmarks were found; `detection` is missing where one was not. */
export interface FoundDestination extends Destination {
  readonly found: readonly { readonly phrase: string; readonly detection?: Detection }[];
}

/** What a query was understood as; fields of a grounding beside those of the model. */
export interface Understanding {
  readonly command?: Command;
  readonly language?: QueryLanguage;
  readonly destination?: FoundDestination;
  /** Several objects fit equally well: they are the first detections. */
  readonly question?: Question;
}

export type UnderstoodGrounding = Grounding & Understanding;

/** Translates a query to English. */
export type Translate = (text: string, from: string, signal?: AbortSignal) => Promise<string>;
