import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { TextTokenizer } from "../hifics/tokenizer.js";
import type { HubFamily, HubModel } from "./manifest.js";

/** What tokenizer_config.json says, where it says it; other entries are for other programs. */
const schema = z.looseObject({
  model_max_length: z.number().optional(),
  pad_token: z.union([z.string(), z.looseObject({ content: z.string() })]).nullish(),
});

/** Lengths in tokens that the published architectures take. */
const limits: Readonly<Partial<Record<HubFamily, number>>> = {
  clipseg: 77,
  owlv2: 16,
  "grounding-dino": 256,
};

/**
 * The tokenizer of a model in the hub's layout.
 * @throws GraspGroundingError MODEL_MANIFEST
 */
export async function hubTokenizer(model: HubModel): Promise<TextTokenizer> {
  const { folder, manifest } = model;
  const path = model.file("tokenizer") ?? folder;
  const configPath = model.file("tokenizer-config");
  const config = configPath === undefined ? {} : await readJson(configPath);
  const parsed = schema.safeParse(config);
  if (!parsed.success)
    throw new GraspGroundingError("MODEL_MANIFEST", {
      path: configPath ?? folder,
      detail: parsed.error.issues[0]?.message ?? "invalid",
    });
  const { model_max_length = Number.POSITIVE_INFINITY, pad_token } = parsed.data;
  const settings = {
    tokenizer: { file: relative(folder, path), config: config as Record<string, unknown> },
    max_tokens: Math.min(limits[manifest.family] ?? 77, model_max_length),
    pad_to_max: manifest.family === "owlv2",
  };
  const token = typeof pad_token === "string" ? pad_token : pad_token?.content;
  const plain = await TextTokenizer.load(folder, settings);
  const padId = token === undefined ? undefined : plain.idOf(token);
  if (padId === undefined || padId === 0) return plain;
  return TextTokenizer.load(folder, { ...settings, tokenizer: { ...settings.tokenizer, pad_id: padId } });
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new GraspGroundingError("MODEL_MANIFEST", { path, detail: describe(cause) }, { cause });
  }
}
