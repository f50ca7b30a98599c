import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { modelOfRepository } from "../../bench/families/random-repository.js";
import type { HubFamily } from "../../src/grounding/index.js";
import { runExport } from "./models.js";
import { repository } from "./python.js";

const { fingerprint } = (await import("../../scripts/lib/setup.mjs" as string)) as {
  fingerprint: (paths: readonly string[]) => string;
};
const { withLock } = (await import("../../scripts/ros/lock.mjs" as string)) as {
  withLock: (file: string, action: () => void) => void;
};

/** What a repository is made of: those that an earlier state of it made go. */
const sources = readdirSync(join(repository, "models", "export")).filter((name) =>
  /^(?!test_).*\.py$/.test(name),
);
const state = fingerprint(["test/requirements.txt", ...sources.map((name) => `models/export/${name}`)]).slice(
  0,
  16,
);
const cache = join(repository, ".cache", "families");

/**
 * Puts a repository with small layers, random weights and fp32 and int8 into `folder`. It is made once for all test files,
 * which takes as long as many a file's tests, and copied to each.
 */
export function smallRepository(family: HubFamily, folder: string): void {
  const made = join(cache, `${family}-${state}`);
  mkdirSync(cache, { recursive: true });
  withLock(join(cache, `${family}.lock`), () => {
    if (existsSync(made)) return;
    for (const name of readdirSync(cache))
      if (name.startsWith(`${family}-`)) rmSync(join(cache, name), { recursive: true });
    const partial = join(cache, `${family}-partial`);
    const precisions = ["--precisions", "fp32", "int8", "--packed"];
    runExport("export.random_families", ["--family", family, ...precisions, "--out", partial]);
    renameSync(partial, made);
  });
  cpSync(made, folder, { recursive: true });
}

/** A model folder of `smallRepository`, fp32. @returns the folder */
export async function smallModel(family: HubFamily, folder: string): Promise<string> {
  const from = `${folder}-repository`;
  smallRepository(family, from);
  await modelOfRepository(family, from, folder);
  rmSync(from, { recursive: true });
  return folder;
}
