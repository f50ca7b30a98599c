import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallModel } from "../support/families.js";
import { NodeProcess, Peer } from "./support/peer.js";

const script = [fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url)), "node"];
const folder = mkdtempSync(join(tmpdir(), "ros-families-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// One that draws masks and one that finds boxes: Grounding DINO takes the same path as OWLv2.
describe.each(["clipseg", "owlv2"] as const)("the node with %s of random weights", (family) => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    const model = await smallModel(family, join(folder, family));
    peer = new Peer();
    const parameters = [`model:=${model}`, "threshold:=0.05", "metrics_port:=0"];
    const ros = parameters.flatMap((each) => ["-p", each]);
    node = await NodeProcess.start(ros, {}, { script, ready: false });
    await node.says(new RegExp(`configured with model ${family}-fp32`));
    await peer.do("wait_for_node");
    await peer.do("camera", { rate: 5, width: 640, height: 480 });
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });

  it("answers a query on a topic's image, in the model's name, with objects inside the image", async () => {
    const { success, grounding } = await peer.do("ground", { query: "the red box", timeout: 60, wait: 70 });
    expect(success).toBe(true);
    expect(grounding).toMatchObject({ model: `${family}-fp32`, query: "the red box", found: true });
    expect(grounding.objects.length).toBeGreaterThan(0);
    for (const { x1, y1, x2, y2, score, mask } of grounding.objects) {
      expect([x1 >= 0, y1 >= 0, x1 < x2, y1 < y2, x2 <= 640, y2 <= 480]).not.toContain(false);
      expect(score).toBeGreaterThanOrEqual(0.05);
      expect(Buffer.from(mask.data, "base64")).toContain(255);
    }
  });
});
