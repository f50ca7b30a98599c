import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "../support/peer.js";

const script = [fileURLToPath(new URL("./plain-node.mjs", import.meta.url))];
const folder = mkdtempSync(join(tmpdir(), "grasp-grounding-upstream-"));
afterAll(() => rmSync(folder, { recursive: true }));

const start = (args: readonly string[] = []) => NodeProcess.start(args, {}, { script });

/**
 * Faults of rclnodejs 2.2 that this node works around, each reproduced with rclnodejs alone. A test that fails here after
 * an update says that its workaround can go; docs/decisions/0010-rclnodejs.md names both.
 */
describe("rclnodejs alone", () => {
  it("ends the process on a transition that the state does not offer", async () => {
    const peer = new Peer();
    const node = await start();
    try {
      await peer.do("wait_for_node");
      await expect(peer.do("change_to", { number: 3, wait: 5 })).rejects.toThrow(/no answer/);
      const { code, signal } = await node.exited();
      expect({ code, signal }).not.toEqual({ code: 0, signal: null });
      expect(node.output).toMatch(/Transition is not registered/);
    } finally {
      await node.stop();
      await peer.close();
    }
  });

  it("ignores a parameter file keyed by the full name, and takes one keyed by the bare name", async () => {
    for (const [key, rate] of [
      ["/grasp_grounding", "1.5"],
      ["/**/grasp_grounding", "1.5"],
      ["grasp_grounding", "2.5"],
    ]) {
      const path = join(folder, "rate.yaml");
      writeFileSync(path, `${key}:\n  ros__parameters:\n    rate: 2.5\n`);
      const node = await start(["--params-file", path]);
      expect(node.output, key).toContain(`rate ${rate}\n`);
      await node.stop("SIGKILL");
    }
  });

  it("refuses an integer for a double, with a text that names no reason", async () => {
    const node = await start(["-p", "rate:=1"]);
    expect(node.output).toMatch(/refused: Parameter rate does not {2}readonly/);
    await node.stop("SIGKILL");
  });

  it("does not follow a best-effort /clock", async () => {
    const peer = new Peer();
    const node = await start(["-p", "use_sim_time:=true"]);
    try {
      await peer.do("wait_for_node");
      for (let i = 0; i < 10; i++) {
        await peer.do("clock", { sec: 1234, reliability: "best_effort" });
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(node.output).toMatch(/time 0\n/);
      expect(node.output).not.toMatch(/time 1234/);
    } finally {
      await node.stop("SIGKILL");
      await peer.close();
    }
  });
});
