import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import type { Translate } from "../grounding/index.js";

/** Longest silence of a translation server. */
const timeoutMs = 10_000;

/**
 * Translation by an HTTP server: POST of {"q", "source", "target", "format"} answered with {"translatedText"}, as
 * LibreTranslate has it; `source` is "auto" where the language is not known.
 * @throws (when called) GraspGroundingError TRANSLATION_FAILED
 */
export function translator(url: string): Translate {
  return async (text, from, signal) => {
    const limit = AbortSignal.timeout(timeoutMs);
    const failed = (detail: string) => new GraspGroundingError("TRANSLATION_FAILED", { url, detail });
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ q: text, source: from === "" ? "auto" : from, target: "en", format: "text" }),
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      if (!response.ok) throw failed(`HTTP ${response.status}`);
      const { translatedText } = (await response.json()) as { translatedText?: unknown };
      if (typeof translatedText !== "string") throw failed("the answer has no translatedText");
      return translatedText;
    } catch (error) {
      if (error instanceof GraspGroundingError) throw error;
      if (signal?.aborted) throw new GraspGroundingError("INFERENCE_CANCELLED");
      throw failed(reason(error));
    }
  };
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return asCatalogued(error).message;
  return error.cause instanceof Error ? error.cause.message : error.message;
}
