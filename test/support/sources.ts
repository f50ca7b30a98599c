import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./python.js";

/** Paths of the TypeScript files below a folder of the repository, relative to its root. */
export const sourceFiles = (folder: string): string[] =>
  readdirSync(join(repository, folder), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && /\.tsx?$/.test(each.name))
    .map((each) => join(each.parentPath, each.name).slice(repository.length + 1))
    .sort();
