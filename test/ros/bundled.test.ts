import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "./support/peer.js";

const command = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));

describe("the node command with the bundled model", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start(
      ["-p", "metrics_port:=19464"],
      {},
      { script: [command, "node"], ready: false },
    );
    await node.says(/configured with model/, 120);
    await peer.do("wait_for_node");
    await peer.do("camera", { rate: 5, width: 640, height: 480 });
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });

  it("answers the service on live images, model and stages named", async () => {
    const { name } = JSON.parse(
      readFileSync(new URL("../../models/lite/manifest.json", import.meta.url), "utf8"),
    ) as { name: string };
    const answer = await peer.do("ground", { query: "the red box", timeout: 60, wait: 70 });
    expect(answer).toMatchObject({ success: true, message: "" });
    const { grounding } = answer;
    expect(grounding).toMatchObject({ model: name, width: 640, height: 480, query: "the red box" });
    expect(grounding.presence).toBeGreaterThanOrEqual(0);
    expect(grounding.presence).toBeLessThanOrEqual(1);
    expect(grounding.stages.length).toBeGreaterThan(2);
    for (const { x1, y1, x2, y2 } of grounding.objects) {
      expect(x1).toBeLessThan(x2);
      expect(y1).toBeLessThan(y2);
      expect(x2).toBeLessThanOrEqual(640);
      expect(y2).toBeLessThanOrEqual(480);
    }
    expect(grounding.certainty).toMatch(grounding.found ? /^(sure|unsure)$/ : /^(unsure|not_found)$/);
    if (grounding.found) expect(grounding.has_closest).toBe(false);
  });

  it("says where the closest place is when the object is not there", async () => {
    const { grounding } = await peer.do("ground", { query: "the pineapple", timeout: 60, wait: 70 });
    const { certainty, has_closest, closest_x, closest_y, closest_probability } = grounding;
    expect(grounding.found).toBe(false);
    expect(["unsure", "not_found"]).toContain(certainty);
    expect(closest_probability > 0).toBe(has_closest);
    for (const [at, size] of [
      [closest_x, 640],
      [closest_y, 480],
    ]) {
      expect(at).toBeGreaterThanOrEqual(0);
      expect(at).toBeLessThanOrEqual(size);
    }
  });

  it("counts what it did, for Prometheus", async () => {
    await node.says(/metrics: http:\/\/127\.0\.0\.1:19464\/metrics/);
    const text = await (await fetch("http://127.0.0.1:19464/metrics")).text();
    expect(text).toContain('grasp_grounding_node_state{state="active"} 1');
    expect(Number(/^grasp_grounding_pictures_total (\d+)/m.exec(text)?.[1])).toBeGreaterThan(0);
    expect(Number(/^grasp_grounding_pictures_received_total (\d+)/m.exec(text)?.[1])).toBeGreaterThan(0);
    expect(text).toMatch(/^grasp_grounding_seconds_count\{stage="pipeline"\} [1-9]/m);
    expect(text).not.toContain("red box");
  });

  it("runs the action through ground and plan, or says why there is no grasp", async () => {
    const { accepted, status, result } = await peer.do("grasp", {
      query: "the red box",
      timeout: 60,
      wait: 70,
    });
    expect(accepted).toBe(true);
    if (status === 4) expect(result.grasps.length).toBeGreaterThan(0);
    else expect(result.message.length).toBeGreaterThan(10);
  });

  it("is ended by SIGINT, cleanly", async () => {
    expect(await node.stop("SIGINT")).toMatchObject({ code: 0, signal: null });
  });
});
