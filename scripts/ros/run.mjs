// Runs the tools of the set-up: quiet when they succeed, and one line with the log's place when they do not.
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./paths.mjs";

/** What stops the set-up, with what to do about it: printed as one line. */
export class Problem extends Error {
  constructor(what, remedy) {
    super(`${what}; ${remedy}`);
  }
}

export const progress = (text) => process.stdout.write(`ros:setup: ${text}\n`);

/** Runs a command to its end and returns its output. @throws Problem when it is missing or fails. */
export function run(what, command, args, { env, cwd, remedy } = {}) {
  const result = spawnSync(command, args, { env, cwd, encoding: "utf8", maxBuffer: 1 << 28 });
  if (result.error?.code === "ENOENT")
    throw new Problem(
      `${command} was not found`,
      remedy ?? `install ${command} and run \`npm run ros:setup\` again`,
    );
  if (result.error) throw new Problem(`${what} failed (${result.error.message})`, remedy ?? "see above");
  if (result.status === 0) return result.stdout;
  const log = join(cacheFolder, "logs", `${what.replace(/[^\w]+/g, "-")}.log`);
  mkdirSync(join(cacheFolder, "logs"), { recursive: true });
  writeFileSync(log, `$ ${command} ${args.join(" ")}\n${result.stdout}\n${result.stderr}`);
  throw new Problem(
    `${what} failed: ${lastLine(result.stderr || result.stdout)}`,
    remedy ?? `the whole output is in ${log}`,
  );
}

/** Whether a command answers at all. */
export const exists = (command, args = ["--version"]) =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

function lastLine(text) {
  const lines = text
    .trim()
    .split("\n")
    .filter((line) => /error|not found|no such|failed/i.test(line));
  return (lines[0] ?? text.trim().split("\n").at(-1) ?? "").slice(0, 300);
}
