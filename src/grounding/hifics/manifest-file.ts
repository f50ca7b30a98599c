import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { describe, GraspGroundingError } from "../../errors/index.js";

/**
 * A model folder's JSON of a given format.
 * @param name of the file in the folder
 * @throws GraspGroundingError MODEL_MISSING; MODEL_MANIFEST with the first entry that is wrong
 */
export async function readManifestFile<S extends z.ZodType>(
  folder: string,
  name: string,
  schema: S,
): Promise<z.infer<S>> {
  const path = join(folder, name);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new GraspGroundingError("MODEL_MISSING", { name: folder }, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new GraspGroundingError("MODEL_MANIFEST", { path, detail: describe(cause) }, { cause });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const detail = issue === undefined ? "invalid" : `${issue.path.join(".") || "manifest"}: ${issue.message}`;
  throw new GraspGroundingError("MODEL_MANIFEST", { path, detail });
}
