import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resultSchema } from "../../src/pipeline/index.js";
import { writeFrame } from "../support/frame-files.js";
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
const npmrc = spawnSync("npm", ["config", "get", "userconfig"], { encoding: "utf8" }).stdout.trim();
const cache = spawnSync("npm", ["config", "get", "cache"], { encoding: "utf8" }).stdout.trim();

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
      "demo/ATTRIBUTION.md",
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
    const odd = files.filter(({ path }) =>
      /(^|\/)(test|tests|\.cache|node_modules|training|__pycache__|out)\/|\.test\.|\.tsbuildinfo$|\.env|\.pem$|\.pyc$/.test(
        path,
      ),
    );
    expect(odd.map(({ path }) => path)).toEqual([]);
    expect(files.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(100e6);
  });

  it("installs into an empty folder without running anything, and answers a question there", async () => {
    const user = join(folder, "user");
    mkdirSync(user);
    writeFileSync(join(user, "package.json"), '{"private": true}');
    const flags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"];
    const installed = run(
      "npm",
      ["install", ...flags, "--cache", cache, "--userconfig", npmrc, tarball],
      user,
    );
    expect(installed.stderr).not.toMatch(/npm error/);
    expect(installed.status).toBe(0);
    await writeFrame(join(repository, "demo", "demo.mcap"), user);
    const program = join(user, "node_modules", ".bin", "grasp-grounding");
    const image = ["--image", "color.png", "--depth", "depth.png", "--camera", "intrinsics.json"];
    const answer = run(program, ["ground", ...image, "--query", "the banana", "--json"], user);
    expect(answer.stderr).toBe("");
    const result = resultSchema.parse(JSON.parse(answer.stdout));
    expect(result.found).toBe(true);
    expect(result.grasps.length).toBeGreaterThan(0);
    const imported = run(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        'const m = await import("grasp-grounding"); console.log(Object.keys(m).length)',
      ],
      user,
    );
    expect(Number(imported.stdout)).toBeGreaterThan(10);
    expect(run(program, ["--version"], user).stdout.trim()).toBe(
      JSON.parse(readFileSync(join(repository, "package.json"), "utf8")).version,
    );
  });
});
