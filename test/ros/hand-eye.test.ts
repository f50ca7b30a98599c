import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handEyeYaml } from "../../src/calibration/index.js";
import { NodeProcess, Peer } from "./support/peer.js";

const folder = mkdtempSync(join(tmpdir(), "grasp-grounding-hand-eye-"));
const file = join(folder, "hand_eye.yaml");

describe("hand_eye_file, against rclpy over DDS", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    const transform = { position: [0.1, 0.2, 0.3], orientation: [0, 0, 0, 1] } as const;
    const child = "camera_color_optical_frame";
    writeFileSync(file, handEyeYaml({ type: "eye_in_hand", parent: "tool0", child, transform }));
    peer = new Peer();
    node = await NodeProcess.start(["-p", `hand_eye_file:=${file}`]);
    await peer.do("wait_for_node");
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("publishes the transform to those who come late, and places grasps by it", async () => {
    await peer.do("listen", { topics: ["tf_static"] });
    const { transforms } = await peer.wait("tf_static", { has: "camera_color_optical_frame" });
    expect(transforms[0].header.frame_id).toBe("tool0");
    expect(transforms[0].transform.translation).toMatchObject({ x: 0.1, y: 0.2, z: 0.3 });
    await peer.do("camera");
    const { result } = await peer.do("grasp", { query: "the red box", target_frame: "tool0" });
    expect(result.message).toBe("1 grasps planned");
    const { pose } = result.grasps[0];
    expect(pose.header.frame_id).toBe("tool0");
    expect(pose.pose.position.x).toBeCloseTo(0.1 + ((84.5 - 160) / 300) * 0.7, 3);
    expect(pose.pose.position.z).toBeCloseTo(0.3 + 0.7, 3);
  });

  it("is refused with the reason when the file is no transform", async () => {
    const broken = join(folder, "broken.yaml");
    writeFileSync(broken, "type: eye_in_hand\nparent_frame: tool0\n");
    const args = ["-p", `hand_eye_file:=${broken}`, "-r", "__node:=other"];
    const refused = await NodeProcess.start(args, {}, { ready: false });
    await refused.says(/not a hand-eye calibration \(child_frame/);
    await refused.stop();
  });
});
