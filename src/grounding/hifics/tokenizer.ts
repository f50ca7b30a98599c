import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Tensors } from "../../inference/index.js";

/** How texts become tokens: the file, and the lengths that the model takes. */
export interface TokenizerSettings {
  readonly tokenizer: {
    /** A tokenizer.json, relative to the model's folder. */
    readonly file: string;
    readonly config?: Readonly<Record<string, unknown>> | undefined;
    /** Id that completes short texts. Default 0. */
    readonly pad_id?: unknown;
  };
  readonly max_tokens: number;
  /** Complete every text to max_tokens instead of to the longest of the batch. */
  readonly pad_to_max?: boolean | undefined;
}

/** Tokens of queries: `input_ids` and `attention_mask`, int64 [queries, tokens]. */
export class TextTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #maxTokens: number;
  readonly #padToMax: boolean;
  readonly #padId: number;

  private constructor(tokenizer: Tokenizer, text: TokenizerSettings, padId: number) {
    this.#tokenizer = tokenizer;
    this.#maxTokens = text.max_tokens;
    this.#padToMax = text.pad_to_max ?? false;
    this.#padId = padId;
  }

  /** @throws GraspGroundingError MODEL_MANIFEST when the tokenizer's file is not usable */
  static async load(folder: string, text: TokenizerSettings): Promise<TextTokenizer> {
    const path = join(folder, text.tokenizer.file);
    try {
      const json = JSON.parse(await readFile(path, "utf8"));
      const padId = typeof text.tokenizer.pad_id === "number" ? text.tokenizer.pad_id : 0;
      return new TextTokenizer(new Tokenizer(json, text.tokenizer.config ?? {}), text, padId);
    } catch (cause) {
      throw new GraspGroundingError("MODEL_MANIFEST", { path, detail: describe(cause) }, { cause });
    }
  }

  /**
   * Token ids of one query, special tokens included; a query that is too long is cut, but ends with the last special
   * token.
   */
  encode(query: string): readonly number[] {
    const { ids } = this.#tokenizer.encode(query);
    if (ids.length <= this.#maxTokens) return ids;
    return [...ids.slice(0, this.#maxTokens - 1), ids[ids.length - 1] ?? this.#padId];
  }

  /** Id of a token of the vocabulary. */
  idOf(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  batch(queries: readonly string[]): Tensors {
    const rows = queries.map((query) => this.encode(query));
    const length = this.#padToMax ? this.#maxTokens : Math.max(...rows.map((row) => row.length));
    const ids = new BigInt64Array(rows.length * length).fill(BigInt(this.#padId));
    const mask = new BigInt64Array(rows.length * length);
    rows.forEach((row, r) => {
      row.forEach((id, i) => {
        ids[r * length + i] = BigInt(id);
        mask[r * length + i] = 1n;
      });
    });
    const dims = [rows.length, length];
    return {
      input_ids: { type: "int64", dims, data: ids },
      attention_mask: { type: "int64", dims, data: mask },
    };
  }
}
