import { pathToFileURL } from "node:url";
import { packageRoot } from "../system/index.js";

/**
 * URL of a compiled module below dist/, also when the caller itself runs from source (as it does under the test
 * runner): worker threads and child processes run compiled JavaScript.
 * @param from the caller's `import.meta.url`
 * @param path the module relative to the caller, with its `.js` ending
 */
export function compiledModule(from: string, path: string): URL {
  const url = new URL(path, from);
  if (!from.endsWith(".ts")) return url;
  const root = pathToFileURL(`${packageRoot}/`).href;
  return new URL(url.href.slice(root.length), `${root}dist/`);
}
