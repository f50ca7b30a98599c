import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packageInstalled } from "../../src/ros/results/outputs.js";
import { type Message, NodeProcess, Peer } from "./support/peer.js";

const camera = { parent: "base_link", child: "camera_color_optical_frame" };

/** The camera hangs 1.2 m over the base and looks down: z of the base points to the camera. */
const lookingDown = { ...camera, xyz: [0, 0, 1.2], xyzw: [1, 0, 0, 0], fixed: true };

describe("objects in three dimensions", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start(["-p", "target_frame:=base_link", "-p", "track_timeout:=0.6"]);
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: ["detections_3d", "object_cloud", "grounding"] });
    if (packageInstalled("moveit_msgs")) await peer.do("listen", { topics: ["collision_objects"] });
    await peer.do("tf", lookingDown);
    await peer.do("camera");
    await peer.do("query", { text: "the red box" });
    await peer.wait("grounding", { has: "has_position=True" });
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });

  it("are boxes around what is seen, in target_frame", async () => {
    await peer.do("clear");
    const { header, detections } = await peer.wait("detections_3d", { has: "the red box" });
    expect(header.frame_id).toBe("base_link");
    expect(detections).toHaveLength(1);
    const { bbox, results, id } = detections[0];
    expect(results[0].hypothesis).toEqual({ class_id: "the red box", score: 0.9 });
    expect(id).toMatch(/^\d+$/);
    // 50 x 60 pixels, 0.7 m from a camera of 300 pixels focal length; the rim of the mask is left out.
    expect(bbox.center.position.x).toBeCloseTo(((84.5 - 160) / 300) * 0.7, 2);
    expect(bbox.center.position.y).toBeCloseTo(-((69.5 - 120) / 300) * 0.7, 2);
    expect(bbox.center.position.z).toBeCloseTo(1.2 - 0.7, 3);
    expect(bbox.size.x).toBeGreaterThan(0.1);
    expect(bbox.size.x).toBeLessThanOrEqual((50 / 300) * 0.7);
    expect(bbox.size.y).toBeGreaterThan(0.12);
    expect(bbox.size.y).toBeLessThanOrEqual((60 / 300) * 0.7);
  });

  it("are clouds of the mask's points with their colours, in the image's frame", async () => {
    await peer.do("clear");
    const cloud = await peer.wait("object_cloud");
    expect(cloud.header.frame_id).toBe("camera_color_optical_frame");
    expect(cloud.fields.map((each: Message) => each.name)).toEqual(["x", "y", "z", "rgb"]);
    const points = Buffer.from(cloud.data, "base64");
    expect(points.length).toBe(cloud.width * cloud.point_step);
    expect(cloud.width).toBeGreaterThan(2_000);
    expect(cloud.width).toBeLessThanOrEqual(50 * 60);
    for (let at = 0; at < points.length; at += cloud.point_step) {
      expect(points.readFloatLE(at + 8)).toBeCloseTo(0.7, 4);
      expect(points.readUInt32LE(at + 12)).toBe((220 << 16) | (20 << 8) | 20);
    }
  });

  it("hold their ids from image to image while they move, and get new ones with another query", async () => {
    await peer.do("query", { text: "the blue box" });
    const { objects } = await peer.wait("grounding", { where: { query: "the blue box" } });
    const [{ id }] = objects;
    for (const shift of [8, 16, 24, 32]) {
      await peer.do("camera", { shift });
      await peer.do("clear");
      const moved = await peer.wait("grounding", { has: `x1=${180 + shift}.0` });
      expect(moved.objects[0].id).toBe(id);
    }
    await peer.do("camera");
    await peer.do("query", { text: "the red box" });
    const other = await peer.wait("grounding", { where: { query: "the red box" } });
    expect(other.objects[0].id).not.toBe(id);
  });

  it("are an empty list when nothing is found", async () => {
    await peer.do("query", { text: "the green box" });
    await peer.do("clear");
    const { detections } = await peer.wait("detections_3d", { where: { detections: [] } });
    expect(detections).toEqual([]);
    expect((await peer.wait("object_cloud", { where: { width: 0 } })).data).toBe("");
  });

  it("are not guessed without a transform", async () => {
    await peer.do("set_parameter", { name: "target_frame", kind: "string", value: "no_such_frame" });
    await peer.do("query", { text: "the red box" });
    await peer.do("clear");
    const { grasp_reason, found } = await peer.wait("grounding", { where: { query: "the red box" } });
    expect(found).toBe(true);
    expect(grasp_reason).toContain("no_such_frame");
    expect((await peer.wait("detections_3d")).detections).toEqual([]);
    await peer.do("set_parameter", { name: "target_frame", kind: "string", value: "base_link" });
  });

  describe.skipIf(!packageInstalled("moveit_msgs"))("for MoveIt", () => {
    it("are added to the planning scene, and removed when they are gone", async () => {
      await peer.do("query", { text: "the red box" });
      await peer.do("clear");
      const added = await peer.wait("collision_objects", { has: "the red box" });
      expect(added.header.frame_id).toBe("base_link");
      expect(added.id).toMatch(/^grasp_grounding_\d+$/);
      expect(added.type.key).toBe("the red box");
      expect(added.primitives[0].type).toBe(1);
      expect(added.primitives[0].dimensions[0]).toBeGreaterThan(0.1);
      expect(added.pose.position.z).toBeCloseTo(0.5, 3);
      expect(Buffer.from(added.operation, "base64")[0]).toBe(0);
      await peer.do("camera", { blank: true });
      const removed = await peer.wait("collision_objects", { has: "operation=b'\\x01'" });
      expect(removed.id).toBe(added.id);
      await peer.do("camera");
      const back = await peer.wait("collision_objects", { has: "the red box" });
      expect(back.id).not.toBe(added.id);
      await peer.do("query", { text: "" });
      expect((await peer.wait("collision_objects", { has: "operation=b'\\x01'" })).id).toBe(back.id);
    });

    it("come with grasps as moveit_msgs/Grasp on request", async () => {
      await peer.do("camera");
      const { grasps, error_code } = await peer.do("plan_grasps", { query: "the blue box" });
      expect(error_code.val).toBe(1);
      expect(grasps).toHaveLength(1);
      const [grasp] = grasps;
      expect(grasp.grasp_pose.header.frame_id).toBe("base_link");
      expect(grasp.grasp_pose.pose.position.x).toBeCloseTo(((209.5 - 160) / 300) * 0.8, 3);
      expect(grasp.grasp_pose.pose.position.z).toBeCloseTo(0.4, 3);
      expect(grasp.grasp_quality).toBeCloseTo(0.8, 6);
      expect(grasp.pre_grasp_approach.direction.vector.z).toBeCloseTo(-1, 6);
      expect(grasp.pre_grasp_approach.desired_distance).toBeCloseTo(0.1, 6);
      expect(grasp.post_grasp_retreat.direction.vector).toEqual({ x: 0, y: 0, z: 1 });
      const missing = await peer.do("plan_grasps", { query: "the green box" });
      expect([missing.error_code.val, missing.grasps]).toEqual([-19, []]);
      expect(missing.error_code.message).toContain("not in the image");
    });
  });
});
