// onnxruntime-node as it can be handed on: its binaries for this platform alone, and no install script. As published it
// holds six platforms (288 MB), and its script fetches CUDA's libraries while it is installed: whoever installs a
// package that depends on it needs that network, or gets an error. So `npm pack` bundles the copy made here (docs/
// decisions/0002-install-without-scripts.md). Its script stays in the folder, to be run by who wants CUDA.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes `node_modules/onnxruntime-node` of a checkout the copy that `npm pack` bundles. A second call changes nothing.
 *
 * @param {string} root folder that holds node_modules
 * @param {string} platform as process.platform says it
 * @param {string} arch as process.arch says it
 */
export function slimOnnxRuntime(root, platform = process.platform, arch = process.arch) {
  const folder = join(root, "node_modules", "onnxruntime-node");
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) return;
  const binaries = join(folder, "bin", "napi-v6");
  for (const name of readdirSync(binaries)) {
    if (name !== platform) rmSync(join(binaries, name), { recursive: true });
    else
      for (const other of readdirSync(join(binaries, name)))
        if (other !== arch) rmSync(join(binaries, name, other), { recursive: true });
  }
  const content = JSON.parse(readFileSync(manifest, "utf8"));
  if (content.scripts?.postinstall === undefined) return;
  delete content.scripts.postinstall;
  // A new file in its place: the old one may be shared with a package store.
  writeFileSync(`${manifest}.new`, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(`${manifest}.new`, manifest);
}
