import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Address of the hub: HF_ENDPOINT, else the public one. */
export const hubEndpoint = (env: NodeJS.ProcessEnv = process.env): string =>
  (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");

/**
 * The hub's access token: HF_TOKEN, else the file that the hub's own tools write (HF_TOKEN_PATH, HF_HOME/token,
 * ~/.cache/huggingface/token). Undefined where there is none.
 */
export async function hubToken(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  if (env.HF_TOKEN?.trim()) return env.HF_TOKEN.trim();
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  const text = await readFile(env.HF_TOKEN_PATH || join(home, "token"), "utf8").catch(() => "");
  return text.trim() || undefined;
}
