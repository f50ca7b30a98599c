import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { diagnosed, NodeProcess, Peer } from "./support/peer.js";

const cli = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1e3));

let peer: Peer;
let node: NodeProcess | undefined;

beforeEach(() => {
  peer = new Peer();
});
afterEach(async () => {
  await node?.stop();
  await peer.close();
  node = undefined;
});

/** The largest Fast DDS segment that a process or its children have mapped, in bytes. */
function largestSegment(pid: number): number {
  const maps = readFileSync(`/proc/${pid}/maps`, "utf8").matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) .*\/dev\/shm\/fastrtps_[0-9a-f]{16}$/gm,
  );
  const own = [...maps].map(([, from, to]) => Number.parseInt(to!, 16) - Number.parseInt(from!, 16));
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean);
  return Math.max(0, ...own, ...children.map((child) => largestSegment(Number(child))));
}

describe("the command node", () => {
  it.each([
    ["takes the profile for large images when none is set", {}, true],
    ["leaves the middleware as it is when asked to", { GRASP_GROUNDING_FASTDDS_PROFILE: "none" }, false],
  ])("%s", async (_, env, large) => {
    node = await NodeProcess.start(["-p", "autostart:=false"], env, { script: [cli, "node"], ready: false });
    await peer.do("wait_for_node", { timeout: 60 });
    expect(largestSegment(node.child.pid!) > 60e6).toBe(large);
  });
});

describe("640x480 at 10 Hz, best effort, with Fast DDS's defaults at the camera", () => {
  it("arrive, or the loss and its remedy are named", async () => {
    node = await NodeProcess.start(["-p", "query:=the red box"]);
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: ["diagnostics"] });
    await peer.do("camera", { rate: 10, width: 640, height: 480, reliability: "best_effort" });
    await pause(8);
    await peer.do("clear");
    const camera = diagnosed(await peer.wait("diagnostics"), "camera");
    const [sent, arrived] = [Number(camera.images_sent), Number(camera.images_arrived)];
    if (sent > 0 && arrived >= sent * 0.8) {
      expect(arrived).toBeLessThanOrEqual(sent);
    } else {
      expect(camera.level).toBe(1);
      expect(camera.message).toMatch(/only \d+ of the last \d+ images|is silent/);
      expect(camera.message).toContain("launch/config/fastdds.xml");
    }
  });

  it("all arrive with the profile at both ends", async () => {
    const profile = fileURLToPath(new URL("../../launch/config/fastdds.xml", import.meta.url));
    const env = { FASTRTPS_DEFAULT_PROFILES_FILE: profile };
    await peer.close();
    peer = new Peer(env);
    node = await NodeProcess.start(["-p", "query:=the red box"], env);
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: ["diagnostics"] });
    await peer.do("camera", { rate: 10, width: 640, height: 480, reliability: "best_effort" });
    await pause(8);
    await peer.do("clear");
    const camera = diagnosed(await peer.wait("diagnostics"), "camera");
    expect(Number(camera.images_arrived)).toBeGreaterThanOrEqual(Number(camera.images_sent) * 0.9);
    expect(Number(camera.images_sent)).toBeGreaterThan(20);
  });
});
