import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./python.js";

/** The interpreter with OpenCV 4 that `npm test` made (test/requirements-opencv4.txt). */
function opencv4(): string {
  const candidates = [
    process.env.GRASP_GROUNDING_OPENCV4,
    join(repository, ".cache", "venv-opencv4", "bin", "python"),
  ];
  return candidates.find((path) => path !== undefined && existsSync(path)) ?? "python3";
}

/** Runs test/reference/SCRIPT with OpenCV 4 on a JSON value and returns what it prints. @throws Error when it fails */
export function runOpencv<T>(script: string, args: readonly string[], input: unknown = {}): T {
  const result = spawnSync(opencv4(), [join(repository, "test", "reference", script), ...args], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
    input: JSON.stringify(input),
  });
  if (result.status === 0) return JSON.parse(result.stdout) as T;
  const why = result.error?.message ?? result.stderr.split("\n").slice(-12).join("\n");
  throw new Error(`${script} failed (run \`npm test\` once to set OpenCV 4 up): ${why}`);
}
