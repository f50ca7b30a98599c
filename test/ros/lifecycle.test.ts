import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "./support/peer.js";

const aborted = 6;

describe("transitions and parameters that no state and no type allows", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start(["-p", "autostart:=false", "-p", "mode:=on_demand"]);
    await peer.do("wait_for_node");
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });

  const refuses = async (ids: readonly number[], labels: readonly string[] = []) => {
    for (const id of ids) expect(await peer.do("change_to", { number: id }), `${id}`).toBe(false);
    for (const label of labels) expect(await peer.do("change_to", { label }), label).toBe(false);
    expect(node.running).toBe(true);
  };

  it("refuses ~/ground and ~/grasp with the reason while it is unconfigured", async () => {
    const { success, message } = await peer.do("ground", { query: "the red box" });
    expect(success).toBe(false);
    expect(message).toContain("ros2 lifecycle set /grasp_grounding configure");
    const { status, result } = await peer.do("grasp", { query: "the red box" });
    expect(status).toBe(aborted);
    expect(result.message).toContain("the node is unconfigured");
  });

  it("refuses every invalid transition in every state, by number and by label, and lives", async () => {
    await refuses([0, 2, 3, 4, 6, 7, 8, 10, 60, 99, 255], ["activate", "bogus", "transition_success"]);
    expect(await peer.do("change", { transition: 1 })).toBe(true);
    await refuses([1, 4, 5, 7, 8, 99], ["configure", "deactivate"]);
    expect(await peer.do("change", { transition: 3 })).toBe(true);
    await refuses([1, 2, 3, 5, 6, 99], ["configure", "cleanup", "activate"]);
    expect(await peer.do("state")).toBe("active");
    expect(node.output).toMatch(/transition 99 is refused: the node is active/);
    expect(node.output).not.toMatch(/Napi|terminate/);
  });

  it("takes a label before a number, as rclcpp does", async () => {
    expect(await peer.do("change_to", { number: 1, label: "deactivate" })).toBe(true);
    expect(await peer.do("change_to", { label: "activate" })).toBe(true);
  });

  it.each([
    ["out of range", ["sync_tolerance", "double", 11], /between 0 and 10, not 11/],
    ["of the wrong type", ["mode", "integer", 3], /mode must be a string/],
    ["not among the options", ["mode", "string", "both"], /one of continuous, on_demand, not "both"/],
    ["unknown", ["bogus", "double", 1], /bogus: the node has no such parameter/],
    ["read at start only", ["model", "string", "x"], /model is read when the node starts/],
    ["without a value", ["mode", "none", null], /mode must be a string/],
    ["of a double for an integer", ["max_detections", "double", 3], /max_detections must be an integer/],
    ["of a string for use_sim_time", ["use_sim_time", "string", "x"], /use_sim_time must be true or false/],
  ])("says why a parameter is refused that is %s", async (_, parameter, reason) => {
    for (const atomically of [false, true]) {
      const [result] = await peer.do("set_parameters", { parameters: [parameter], atomically });
      expect(result.successful).toBe(false);
      expect(result.reason).toMatch(reason);
    }
  });

  it("answers a value of a type that no parameter has", async () => {
    for (const atomically of [false, true]) {
      const parameters = [["mode", "string", "on_demand"]];
      const [result] = await peer.do("set_parameters", { parameters, kind: 77, atomically });
      expect(result.successful).toBe(false);
      expect(result.reason).toMatch(/no type/);
    }
    expect(node.running).toBe(true);
  });

  it("sets what is right of several, and nothing of an atomic set with one that is wrong", async () => {
    const right = ["sync_timeout", "double", 0.7];
    const wrong = ["sync_tolerance", "double", -1];
    const results = await peer.do("set_parameters", { parameters: [right, wrong] });
    expect(results.map((each: { successful: boolean }) => each.successful)).toEqual([true, false]);
    const better = ["sync_timeout", "double", 0.9];
    const [result] = await peer.do("set_parameters", { parameters: [better, wrong], atomically: true });
    expect(result.successful).toBe(false);
    const [value] = await peer.do("get_parameters", { names: ["sync_timeout"] });
    expect(value.double_value).toBe(0.7);
  });

  it("takes an integer for a double", async () => {
    const [result] = await peer.do("set_parameters", { parameters: [["sync_tolerance", "integer", 1]] });
    expect(result).toEqual({ successful: true, reason: "" });
    const [value] = await peer.do("get_parameters", { names: ["sync_tolerance"] });
    expect(value).toMatchObject({ type: 3, double_value: 1 });
  });

  it("waits for an image when a request's timeout is infinite, and ends it with the reason when deactivated", async () => {
    const [client, manager] = [new Peer(), new Peer()];
    const ground = client.do("ground", { query: "the red box", timeout: "inf" });
    const grasp = peer.do("grasp", { query: "the red box", timeout: "inf" });
    await manager.do("wait_for_node");
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await manager.do("change", { transition: 4 })).toBe(true);
    expect(await ground).toMatchObject({ success: false });
    expect((await ground).message).toContain("the node is inactive");
    const { status, result } = await grasp;
    expect(status).toBe(aborted);
    expect(result.message).toBe("the node was deactivated");
    expect(node.output).not.toMatch(/invalid transition|Error raised/i);
    await Promise.all([client.close(), manager.close()]);
  });

  it("is shut down for good by the transition, and still answers", async () => {
    expect(await peer.do("change_to", { label: "shutdown" })).toBe(true);
    expect(await peer.do("state")).toBe("finalized");
    await refuses([1, 2, 3, 4, 5, 6, 7]);
    expect((await peer.do("ground", { query: "the red box" })).message).toContain("the node is finalized");
  });
});

it("ends at once where no goal is at work, however long the joints may take to come to rest", async () => {
  const node = await NodeProcess.start(["-p", "autostart:=false", "-p", "stop_timeout:=10.0"]);
  const { code, seconds } = await node.stop();
  expect(code).toBe(0);
  expect(seconds).toBeLessThan(8);
});
