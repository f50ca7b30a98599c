// Makes what the suites of `npm test` run in: a Python with the libraries nobody here wrote that the tests compare against;
// OpenCV 4 apart, for OpenCV 5's Python has no calibrateHandEye; a serving engine; schemathesis, which asks the console's
// HTTP API whatever its description allows; colcon. Environments that exist already stay. `--short` makes only what
// `npm test` needs and leaves the rest to `npm run test:long`.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { root, sh, step } from "./lib/setup.mjs";

/** A Python environment in .cache, made anew when its list of packages changes. */
function setUpVenv(name, folder, requirements) {
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

await setUpVenv("python-test-peers", ".cache/venv/test", "test/requirements.txt");
await setUpVenv("python-worker", ".cache/venv-worker", "models/worker/requirements-cpu.txt");
await setUpVenv("opencv4-test-peer", ".cache/venv-opencv4", "test/requirements-opencv4.txt");
if (!process.argv.includes("--short")) {
  await setUpVenv("serving-engine", ".cache/venv-servers", "test/servers/requirements.txt");
  await setUpVenv("schemathesis", ".cache/schemathesis", "test/console/requirements.txt");
  await setUpVenv("colcon", ".cache/venv-colcon", "test/ros/requirements.txt");
}
