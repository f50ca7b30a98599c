import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../../src/console/protocol.js";
import { consoleAddress } from "../support/console-address.js";
import { ConsoleClient } from "./support/console-client.js";
import { NodeProcess, Peer } from "./support/peer.js";

const cli = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));

describe("the console on the live node, camera and queries of rclpy over DDS", () => {
  let peer: Peer;
  let node: NodeProcess;
  let client: ConsoleClient;

  beforeAll(async () => {
    peer = new Peer();
    const args = ["node", "--console", "--port", "0", "--no-audit"];
    node = await NodeProcess.start(["-p", "mode:=on_demand"], {}, { script: [cli, ...args], ready: false });
    await node.says(/console: http:\/\/127\.0\.0\.1:\d+\//, 120);
    await peer.do("wait_for_node");
    await peer.do("camera", { rate: 10, width: 640, height: 480 });
    client = await ConsoleClient.open(consoleAddress(node.output) ?? "");
  });
  afterAll(async () => {
    client?.close();
    await node?.stop();
    await peer?.close();
  });

  const settled = { timeout: 60_000, interval: 50 };

  it("shows the camera's images with their own stamps", async () => {
    await expect.poll(() => client.headers.length, settled).toBeGreaterThan(5);
    const stamps = client.headers.map(({ stamp }) => BigInt(stamp));
    expect(client.headers[0]).toMatchObject({
      width: 640,
      height: 480,
      frameId: "camera_color_optical_frame",
    });
    expect(new Set(stamps).size).toBe(stamps.length);
    expect(client.state?.source.kind).toBe("live");
  });

  it("answers a question of the page by the node's own model, with depth", async () => {
    const reply = await client.command({ name: "ask", query: "the red box" });
    expect(reply.error).toBeUndefined();
    const answer = reply.result as Answer;
    expect(answer).toMatchObject({ asked: "console", result: { query: "the red box", model: "lite" } });
    expect(client.headers.map(({ stamp }) => stamp)).toContain(answer.stamp);
    expect(answer.result.timings_ms).toHaveProperty("encode");
  });

  it("shows what was asked over ROS", async () => {
    await peer.do("query", { text: "the blue box" });
    await expect
      .poll(() => client.answers.find(({ result }) => result.query === "the blue box"), settled)
      .toMatchObject({ asked: "ros" });
  });

  it("shows the health of camera, pipeline and transforms, the provider and the stages", async () => {
    const item = (name: string) => client.state?.health.find((each) => each.name === name);
    await expect.poll(() => item("camera")?.level, settled).toBe("ok");
    expect(item("pipeline")).toMatchObject({ level: "ok", values: { execution_provider: "cpu" } });
    expect(item("transforms")).toBeDefined();
    expect(client.state?.model).toMatchObject({ name: "lite", provider: "cpu" });
    await expect.poll(() => client.state?.stats.fps, settled).toBeGreaterThan(4);
    await expect.poll(() => Object.keys(client.state?.stats.latency ?? {}), settled).toContain("decode");
  });

  it("says when the camera is gone, and when it is back", async () => {
    await peer.do("camera_off");
    const level = () => client.state?.health.find(({ name }) => name === "camera")?.level;
    await expect.poll(level, settled).not.toBe("ok");
    expect(client.state?.source.problems.join()).toMatch(/camera\/color\/image_raw/);
    await peer.do("camera", { rate: 10, width: 640, height: 480 });
    await expect.poll(level, settled).toBe("ok");
  });

  it("shows parameters with their ranges, and sets them as a ROS client would", async () => {
    const view = (name: string) => client.state?.parameters?.find((each) => each.name === name);
    expect(view("max_rate")).toMatchObject({ type: "double", value: 0, range: [0, 1000], readOnly: false });
    expect(view("model")).toMatchObject({ value: "lite", readOnly: true });
    const set = await client.command({ name: "parameter", parameter: "max_rate", value: 7 });
    expect(set.error).toBeUndefined();
    await expect.poll(() => view("max_rate")?.value, settled).toBe(7);
    expect(await peer.do("get_parameters", { names: ["max_rate"] })).toMatchObject([{ double_value: 7 }]);
    for (const [parameter, value] of [
      ["max_rate", -1],
      ["model", "other"],
      ["no_such", 1],
    ] as const) {
      const refused = await client.command({ name: "parameter", parameter, value });
      expect(refused).toMatchObject({ ok: false, error: { code: "ROS_PARAMETER" } });
    }
    // What a ROS client sets shows on the page.
    await peer.do("set_parameter", { name: "max_rate", kind: "double", value: 3.5 });
    await expect.poll(() => view("max_rate")?.value, settled).toBe(3.5);
  });

  it("shows the node's log", async () => {
    const texts = () => client.state?.log.map(({ text }) => text) ?? [];
    await peer.do("query", { text: "x".repeat(3000) });
    await expect.poll(texts, settled).toEqual(expect.arrayContaining([expect.stringMatching(/characters/)]));
  });

  it("refuses to move without an arm, and ends cleanly with the console open", async () => {
    const [answer] = client.answers;
    expect(await client.command({ name: "pick", answer: answer?.id })).toMatchObject({ ok: false });
    expect(await node.stop("SIGINT")).toMatchObject({ code: 0, signal: null });
  });
});
