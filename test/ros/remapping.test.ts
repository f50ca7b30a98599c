import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "./support/peer.js";

let peer: Peer;
let node: NodeProcess | undefined;

beforeEach(async () => {
  peer = new Peer();
  await peer.do("listen", { topics: ["grounding"] });
});
afterEach(async () => {
  await node?.stop();
  await peer.close();
  node = undefined;
});

const start = async (parameters: readonly string[], remappings: readonly string[]): Promise<void> => {
  const args = ["query:=the red box", ...parameters].flatMap((each) => ["-p", each]);
  node = await NodeProcess.start([...args, ...remappings.flatMap((each) => ["-r", each])]);
};

describe("remapped names", () => {
  it("take a compressed transport along with their base topic", async () => {
    await start(["image_transport:=compressed"], ["camera/color/image_raw:=/rig/left/image"]);
    await peer.do("camera", { transport: "jpeg", colour_name: "/rig/left/image" });
    await peer.wait("grounding", { has: "has_position=True" });
  });

  it("of the transport's own topic come first", async () => {
    await start(
      ["image_transport:=compressed"],
      ["camera/color/image_raw:=/rig/left/image", "camera/color/image_raw/compressed:=/rig/jpeg/compressed"],
    );
    await peer.do("camera", { transport: "jpeg", colour_name: "/rig/jpeg" });
    await peer.wait("grounding", { has: "has_position=True" });
  });

  it("in a namespace are followed too", async () => {
    await start(
      ["image_transport:=compressed"],
      ["__ns:=/robot", "camera/color/image_raw:=/rig/left/image", "~/grounding:=/grasp_grounding/grounding"],
    );
    await peer.do("camera", { transport: "jpeg", colour_name: "/rig/left/image", depth: "" });
    await peer.wait("grounding", { has: "the red box" });
  });

  it("move the action ~/grasp as a whole, and its client is watched there", async () => {
    await start([], ["~/grasp:=/pick"]);
    await peer.do("camera");
    await peer.wait("grounding", { has: "has_position=True" });
    const { accepted, result, feedback } = await peer.do("grasp", { query: "the blue box", name: "/pick" });
    expect([accepted, result.success]).toEqual([true, true]);
    expect(feedback.length).toBeGreaterThan(0);
    const { reply } = await peer.do("graph");
    expect(reply).toContain("/pick/_action/send_goal");
    expect(reply.filter((each: string) => each.startsWith("/grasp_grounding/grasp/"))).toEqual([]);
  });
});
