// Makes what the suites of `npm test` run in: a Python with the libraries nobody here wrote that the tests compare against;
// OpenCV 4 apart, for OpenCV 5's Python has no calibrateHandEye; a serving engine; schemathesis, which asks the console's
// HTTP API whatever its description allows; colcon. Environments that exist already stay. With names it makes only those.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { root, sh, step } from "./lib/setup.mjs";

const environments = {
  "python-test-peers": { folder: ".cache/venv/test", requirements: "test/requirements.txt" },
  "python-worker": { folder: ".cache/venv-worker", requirements: "models/worker/requirements-cpu.txt" },
  "opencv4-test-peer": { folder: ".cache/venv-opencv4", requirements: "test/requirements-opencv4.txt" },
  "serving-engine": { folder: ".cache/venv-servers", requirements: "test/servers/requirements.txt" },
  schemathesis: { folder: ".cache/schemathesis", requirements: "test/console/requirements.txt" },
  colcon: { folder: ".cache/venv-colcon", requirements: "test/ros/requirements.txt" },
};

/** A Python environment in .cache, made anew when its list of packages changes. */
function setUpVenv(name) {
  const { folder, requirements } = environments[name];
  return step(name, {
    inputs: [requirements],
    output: `${folder}/bin/python`,
    run: () => {
      rmSync(join(root, folder), { recursive: true, force: true });
      sh("python3", ["-m", "venv", folder]);
      // Python compiles a module when a test imports it; most of them no test imports.
      const install = ["-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"];
      sh(join(root, folder, "bin", "python"), [...install, "-r", requirements]);
    },
  });
}

const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : Object.keys(environments)) await setUpVenv(name);
