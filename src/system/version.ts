import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Folder of the installed package or checkout: the nearest one above this file that holds a package.json. */
export const packageRoot = nearestPackage(import.meta.dirname);

function nearestPackage(folder: string): string {
  const parent = dirname(folder);
  return existsSync(join(folder, "package.json")) || parent === folder ? folder : nearestPackage(parent);
}

export function packageVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string }).version;
}
