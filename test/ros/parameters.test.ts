import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "./support/peer.js";

const folder = mkdtempSync(join(tmpdir(), "grasp-grounding-parameters-"));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe("parameters given at start, as rclpy reads them back", () => {
  it("take effect from a file in the form that ros2 param dump and launch write, and integers count as doubles", async () => {
    const path = file(
      "full.yaml",
      "/grasp_grounding:\n  ros__parameters:\n    workspace_min_z: 0.25\n    max_rate: 7\n",
    );
    const peer = new Peer();
    const node = await NodeProcess.start(["--params-file", path, "-p", "sync_tolerance:=1"]);
    try {
      await peer.do("wait_for_node");
      const names = ["workspace_min_z", "max_rate", "sync_tolerance"];
      const given = await peer.do("get_parameters", { names });
      expect(given.map((each: { double_value: number }) => each.double_value)).toEqual([0.25, 7, 1]);
    } finally {
      await node.stop();
      await peer.close();
    }
  });

  it("take effect in a namespace, from nested keys", async () => {
    const path = file("nested.yaml", "/cell:\n  left:\n    ros__parameters:\n      autostart: false\n");
    const node = await NodeProcess.start(["-r", "__ns:=/cell", "-r", "__node:=left", "--params-file", path]);
    try {
      expect(node.output).not.toContain("configured with model");
    } finally {
      expect(await node.stop()).toMatchObject({ code: 0 });
    }
  });

  it.each([
    ["a file for another node", ["--params-file", "other.yaml"], /no entry is for \/grasp_grounding/],
    ["a file that is missing", ["--params-file", "missing.yaml"], /missing\.yaml cannot be used/],
    [
      "an unknown name",
      ["--params-file", "unknown.yaml"],
      /workspace_min is refused: the node has no such parameter/,
    ],
    ["a wrong type", ["-p", "allow_execute:=1"], /allow_execute must be true or false, not "1"/],
  ])("are refused in one line: %s", async (_, args, line) => {
    file("other.yaml", "/other:\n  ros__parameters: {max_rate: 1.0}\n");
    file("unknown.yaml", "/**:\n  ros__parameters: {workspace_min: 1.0}\n");
    const given = args.map((each) => (each.endsWith(".yaml") ? join(folder, each) : each));
    const node = await NodeProcess.start(given, {}, { ready: false });
    expect(await node.exited()).toMatchObject({ code: 1 });
    expect(node.output).toMatch(line);
    expect(node.output.trim().split("\n")).toHaveLength(1);
  });
});

describe("simulated time", () => {
  it("follows a /clock of rclcpp's ClockQoS (best effort), and says when it does not run", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start(["-p", "use_sim_time:=true", "-p", "diagnostics_period:=0.2"]);
    try {
      await peer.do("wait_for_node");
      await peer.do("listen", { topics: ["diagnostics"] });
      await peer.wait("diagnostics", { has: "the clock does not run: nobody publishes /clock" });
      for (let i = 0; i < 10; i++) {
        await peer.do("clock", { sec: 1234 + i, reliability: "best_effort" });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      await peer.do("clear");
      const message = await peer.wait("diagnostics", { has: "follows /clock" });
      expect(message.header.stamp.sec).toBe(1243);
      await peer.wait("diagnostics", { has: "/clock stands for" });
      const { message: why } = await peer.do("ground", { query: "the red box", timeout: 0.5 });
      expect(why).toContain("the clock does not run");
    } finally {
      await node.stop();
      await peer.close();
    }
  });
});
