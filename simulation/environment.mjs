// The environment of the simulated cell: the compiled program, a ROS 2, and a Python with MuJoCo and rclpy.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root, setUp, sh, step } from "../scripts/lib/setup.mjs";

const withEnv = join(root, "scripts", "ros", "with-env.mjs");
const own = join(root, ".cache", "venv", "sim", "bin", "python");
const testPython = join(root, ".cache", "venv", "test", "bin", "python");

/** Whether this Python has all that simulation/requirements.txt names. */
function serves(python) {
  if (!existsSync(python)) return false;
  const script =
    "import mujoco, numpy, PIL, scipy, pytest; from importlib.metadata import version; version('example-robot-data')";
  return spawnSync(python, ["-c", script], { stdio: "ignore" }).status === 0;
}

/** Sets up what is missing, says so, and gives the Python to use. Steps that are done are skipped. */
export async function setUpSimulation() {
  await setUp();
  if (process.env.GRASP_GROUNDING_SETUP !== "skip") sh(process.execPath, ["scripts/ros/setup.mjs"]);
  if (process.env.GRASP_GROUNDING_SIM_PYTHON) return process.env.GRASP_GROUNDING_SIM_PYTHON;
  if (serves(testPython)) return testPython;
  await step("simulation-python", {
    inputs: ["simulation/requirements.txt"],
    output: ".cache/venv/sim/bin/python",
    run: () => {
      rmSync(join(root, ".cache", "venv", "sim"), { recursive: true, force: true });
      // The Python that ROS itself runs on: rclpy is built for it alone.
      sh(process.execPath, [withEnv, "python3", "-m", "venv", ".cache/venv/sim"]);
      const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
      sh(own, [...pip, "-r", "simulation/requirements.txt"]);
    },
  });
  return own;
}

/** Command line of a program in the ROS environment. */
export const inRos = (command, ...args) => [withEnv, command, ...args];

/** The simulation's processes talk on this machine alone, unless the caller's environment says otherwise. */
export const rosEnvironment = () => ({
  ROS_AUTOMATIC_DISCOVERY_RANGE: "LOCALHOST",
  ...process.env,
  PYTHONUNBUFFERED: "1",
});
