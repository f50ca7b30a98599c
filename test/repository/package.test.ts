import { rmSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Packed, pack } from "../support/packed.js";

let packed: Packed;

beforeAll(() => {
  packed = pack();
});
afterAll(() => rmSync(packed.folder, { recursive: true, force: true }));

describe("the npm package", () => {
  it("holds what its parts need", () => {
    const paths = new Set(packed.files.map(({ path }) => path));
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
      "models/worker/requirements-cuda.txt",
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
    const own = packed.files.filter(({ path }) => !path.startsWith("node_modules/"));
    const odd = own.filter(({ path }) =>
      /(^|\/)(test|tests|\.cache|node_modules|training|__pycache__|out)\/|\.test\.|\.tsbuildinfo$|\.env|\.pem$|\.pyc$/.test(
        path,
      ),
    );
    expect(odd.map(({ path }) => path)).toEqual([]);
    expect(statSync(packed.tarball).size).toBeLessThan(70e6);
  });

  it("bundles ONNX Runtime for this platform alone, without its install script", () => {
    const binaries = packed.files.filter(({ path }) => /^node_modules\/onnxruntime-node\/bin\//.test(path));
    const here = `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/`;
    expect(binaries.filter(({ path }) => !path.startsWith(here))).toEqual([]);
    const { tarball, folder, run } = packed;
    const read = run("tar", ["-xzOf", tarball, "package/node_modules/onnxruntime-node/package.json"], folder);
    expect(Object.keys(JSON.parse(read.stdout).scripts)).not.toContain("postinstall");
  });
});
