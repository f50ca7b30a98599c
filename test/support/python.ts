import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

export const repository = join(import.meta.dirname, "..", "..");

/** The interpreter with the peers of test/requirements.txt: GRASP_GROUNDING_PYTHON, or what `npm test` made. */
export function pythonPath(): string {
  const candidates = [
    process.env.GRASP_GROUNDING_PYTHON,
    join(repository, ".cache", "venv", "test", "bin", "python"),
    join(repository, ".cache", "py", "bin", "python"),
  ];
  return candidates.find((path) => path !== undefined && existsSync(path)) ?? "python3";
}

/**
 * Runs a Python script of the test set-up and returns its stdout.
 * @throws Error with the end of its stderr when it fails: a missing package fails a test, it never skips one
 */
export function runPython(script: string, args: readonly string[] = [], input?: string): string {
  const result = spawnSync(pythonPath(), [join(repository, script), ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    ...(input !== undefined && { input }),
  });
  if (result.status === 0) return result.stdout;
  const why = result.error?.message ?? result.stderr.split("\n").slice(-12).join("\n");
  throw new Error(`${script} failed (run \`npm test\` once to set its packages up): ${why}`);
}
