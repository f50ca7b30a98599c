import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the installed package: two levels above this file, in src/ as in dist/. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }).version;
}
