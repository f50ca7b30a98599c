import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, GraspGroundingError } from "../src/errors/index.js";
import { packageRoot as checkout } from "../src/system/index.js";
import { startChild } from "./children.js";

/** Root of the checkout; benches against reference implementations run from one, since these are test dependencies. */
export { packageRoot as checkout } from "../src/system/index.js";

/**
 * The interpreter of the reference implementations: GRASP_GROUNDING_PYTHON, else the environment that `npm test`
 * made.
 */
export function referencePython(): string {
  const made = join(checkout, ".cache", "venv", "test", "bin", "python");
  return process.env.GRASP_GROUNDING_PYTHON ?? (existsSync(made) ? made : "python3");
}

/**
 * Runs a reference script that prints JSON.
 * @throws GraspGroundingError BENCH_REFERENCE when it cannot be started or fails
 */
export async function runReference<T>(script: string, args: readonly string[]): Promise<T> {
  const child = startChild(referencePython(), [join(checkout, script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr?.on("data", (chunk) => {
    err = (err + chunk).slice(-4000);
  });
  const what = await new Promise<string | undefined>((resolve) => {
    child.on("error", (error) => resolve(`cannot be started (${describe(error)})`));
    child.on("close", (code) =>
      resolve(code === 0 ? undefined : `failed (${err.trim().split("\n").at(-1) ?? ""})`),
    );
  });
  if (what === undefined) return JSON.parse(out) as T;
  throw new GraspGroundingError("BENCH_REFERENCE", { script, what });
}
