import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "package-"));
const home = join(folder, "home");
/** As a user who has nothing of this project: no HOME of ours, no environment that points here. */
const env = Object.fromEntries(
  Object.entries({ ...process.env, HOME: home }).filter(
    ([name]) => !/^(GRASP_GROUNDING|VITEST|NODE_ENV)/.test(name),
  ),
);
const run = (command: string, args: readonly string[], cwd: string) =>
  spawnSync(command, args, { cwd, env, encoding: "utf8", maxBuffer: 2 ** 26 });
const _npmrc = spawnSync("npm", ["config", "get", "userconfig"], { encoding: "utf8" }).stdout.trim();
const _cache = spawnSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).stdout.trim();

let files: readonly { readonly path: string; readonly size: number }[];
let tarball: string;

beforeAll(() => {
  mkdirSync(home);
  const packed = run("npm", ["pack", "--json", "--pack-destination", folder, repository], folder);
  const [report] = JSON.parse(packed.stdout) as [{ filename: string; files: typeof files }];
  files = report.files;
  tarball = join(folder, report.filename);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the npm package", () => {
  it("holds what its parts need", () => {
    const paths = new Set(files.map(({ path }) => path));
    for (const needed of [
      "bin/grasp-grounding.mjs",
      "dist/src/index.js",
      "dist/src/index.d.ts",
      "dist/src/cli/main.js",
      "dist/console/web/index.html",
      "dist/src/inference/in-process/ort-worker.js",
      "models/lite/manifest.json",
      "models/lite/encoder.onnx",
      "models/lite/ATTRIBUTION.md",
      "models/export/requirements.txt",
      "demo/demo.mcap",
      "demo/color.png",
      "demo/depth.png",
      "demo/intrinsics.json",
      "demo/ATTRIBUTION.md",
      "node_modules/onnxruntime-node/dist/index.js",
      `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/onnxruntime_binding.node`,
      "launch/bridge.launch.py",
      "launch/config/realsense.yaml",
      "launch/security/grasp_grounding.policy.xml",
      "interfaces/package.xml",
      "package.xml",
      "CMakeLists.txt",
      "LICENSE",
      "README.md",
    ])
      expect(paths, needed).toContain(needed);
  });

  it("and nothing else: no tests, training, caches, secrets or build leftovers", () => {
    const own = files.filter(({ path }) => !path.startsWith("node_modules/"));
    const odd = own.filter(({ path }) =>
      /(^|\/)(test|tests|\.cache|node_modules|training|__pycache__|out)\/|\.test\.|\.tsbuildinfo$|\.env|\.pem$|\.pyc$/.test(
        path,
      ),
    );
    expect(odd.map(({ path }) => path)).toEqual([]);
    expect(statSync(tarball).size).toBeLessThan(70e6);
  });

  it("bundles ONNX Runtime for this platform alone, without its install script", () => {
    const binaries = files.filter(({ path }) => /^node_modules\/onnxruntime-node\/bin\//.test(path));
    const here = `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/`;
    expect(binaries.filter(({ path }) => !path.startsWith(here))).toEqual([]);
    const read = run("tar", ["-xzOf", tarball, "package/node_modules/onnxruntime-node/package.json"], folder);
    expect(Object.keys(JSON.parse(read.stdout).scripts)).not.toContain("postinstall");
  });
});
