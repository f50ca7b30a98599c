import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../support/python.js";
import { domain, Peer } from "./support/peer.js";

const workspace = mkdtempSync(join(tmpdir(), "colcon-"));
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

/** The ROS 2 of the tests without our own interfaces: colcon builds them here. */
const underlay = (process.env.AMENT_PREFIX_PATH ?? "")
  .split(delimiter)
  .filter((prefix) => basename(prefix) !== "interfaces");
const python = execFileSync("python3", ["-c", "import sys; print(sys.executable)"], {
  encoding: "utf8",
}).trim();
const bin = join(repository, ".cache", "venv-colcon", "bin");
const env = {
  ...process.env,
  AMENT_PREFIX_PATH: underlay.join(delimiter),
  CMAKE_PREFIX_PATH: underlay.join(delimiter),
};

/** A command of somebody who has sourced the workspace. */
const sourced = (command: string) => `. '${workspace}/install/setup.sh' && ${command}`;

describe("colcon build of docs/ros-api.md", () => {
  beforeAll(() => {
    const paths = [join(repository, "interfaces"), repository];
    const cmake = [
      "-DGRASP_GROUNDING_NPM=OFF",
      "-DBUILD_TESTING=OFF",
      "-DCMAKE_C_FLAGS=-O0",
      "-DCMAKE_CXX_FLAGS=-O0",
      `-DCMAKE_PROJECT_INCLUDE=${join(repository, "scripts", "ros", "unite.cmake")}`,
      `-DPython3_EXECUTABLE=${python}`,
    ];
    execFileSync(
      join(bin, "colcon"),
      ["--log-base", "log", "build", "--paths", ...paths, "--cmake-args", ...cmake],
      {
        cwd: workspace,
        env: { ...env, COLCON_PYTHON_EXECUTABLE: join(bin, "python") },
        stdio: ["ignore", 2, 2],
      },
    );
  }, 900_000);

  const asked = (script: string): string =>
    execFileSync("sh", ["-c", sourced(`python3 -c '${script}'`)], { env, encoding: "utf8" }).trim();

  it("puts both packages into the index that `ros2 run` and `ros2 launch` read", () => {
    const found = JSON.parse(
      asked(
        'import json; from ament_index_python import get_packages_with_prefixes as g; print(json.dumps({k: v for k, v in g().items() if k.startswith("grasp")}))',
      ),
    );
    expect(found).toEqual({
      grasp_grounding: join(workspace, "install", "grasp_grounding"),
      grasp_grounding_interfaces: join(workspace, "install", "grasp_grounding_interfaces"),
    });
    const prefix: string = found.grasp_grounding;
    accessSync(join(prefix, "lib", "grasp_grounding", "bridge"), constants.X_OK);
    for (const file of ["bridge.launch.py", "replay.launch.py", "config/defaults.yaml"])
      expect(existsSync(join(prefix, "share", "grasp_grounding", "launch", file)), file).toBe(true);
  });

  it("has interfaces that Python's client library loads from there", () => {
    const file = asked("import grasp_grounding_interfaces.action as a; a.Grasp.Goal(); print(a.__file__)");
    expect(file.startsWith(workspace)).toBe(true);
  });

  it("has an executable that starts the node", async () => {
    const peer = new Peer();
    const bridge = join(workspace, "install", "grasp_grounding", "lib", "grasp_grounding", "bridge");
    const node = spawn("sh", ["-c", sourced(`exec '${bridge}' --ros-args -p autostart:=false`)], {
      cwd: "/",
      env: { ...env, ROS_DOMAIN_ID: String(domain) },
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      await peer.do("wait_for_node", { timeout: 120 });
      expect(await peer.do("state")).toBe("unconfigured");
    } finally {
      node.kill("SIGINT");
      expect((await once(node, "exit"))[0]).toBe(0);
      await peer.close();
    }
  }, 300_000);
});
