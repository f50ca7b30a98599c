import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Message, NodeProcess, Peer } from "./support/peer.js";

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1e3));
const resultTopics = [
  "grounding",
  "detections",
  "detections_3d",
  "grasps",
  "grasp_pose",
  "markers",
  "object_cloud",
];

/** Where the red and the blue box lie along x, in metres, seen by the camera of the scene. */
const redX = ((84.5 - 160) / 300) * 0.7;
const blueX = ((209.5 - 160) / 300) * 0.8;

describe("two clients of one node", () => {
  let peer: Peer;
  let other: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    other = new Peer();
    node = await NodeProcess.start(["-p", "query:=the red box"]);
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: [...resultTopics, "mask", "overlay"] });
    await peer.do("camera");
    await peer.wait("grounding", { has: "has_position=True" });
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
    await other?.close();
  });
  afterEach(() => peer.do("set_parameter", { name: "publish_requests", kind: "bool", value: false }));

  /** All messages of a topic that are there now. */
  async function received(topic: string): Promise<Message[]> {
    const out: Message[] = [];
    for (;;) {
      const message = await peer.wait(topic, { timeout: 0 }).catch(() => undefined);
      if (message === undefined) return out;
      out.push(message);
    }
  }

  it("publishes the topics' own query only, whatever others ask by service and action", async () => {
    await peer.do("clear");
    const answers: Message[] = [];
    for (let i = 0; i < 4; i++) {
      answers.push((await other.do("ground", { query: "the blue box" })).grounding);
      answers.push((await other.do("grasp", { query: "the blue box" })).result.grounding);
    }
    await pause(0.3);
    for (const { query } of await received("grounding")) expect(query).toBe("the red box");
    for (const { detections } of await received("detections"))
      expect(detections[0].results[0].hypothesis.class_id).toBe("the red box");
    const boxes = (await received("detections_3d")).flatMap(({ detections }) => detections);
    expect(boxes.length).toBeGreaterThan(3);
    for (const { results } of boxes) expect(results[0].hypothesis.class_id).toBe("the red box");
    const poses = await received("grasp_pose");
    expect(poses.length).toBeGreaterThan(3);
    for (const { pose } of poses) expect(pose.position.x).toBeCloseTo(redX, 3);
    for (const { poses: each } of await received("grasps")) expect(each[0].position.x).toBeCloseTo(redX, 3);
    for (const { markers } of await received("markers"))
      expect(markers.find((each: Message) => each.ns === "labels").text).toContain("the red box");
    for (const mask of await received("mask")) {
      const inside = Buffer.from(mask.data, "base64").reduce((sum, each) => sum + (each === 255 ? 1 : 0), 0);
      expect(inside).toBe(50 * 60);
    }
    for (const { query, objects } of answers) {
      expect(query).toBe("the blue box");
      expect(objects[0].position.x).toBeCloseTo(blueX, 2);
    }
  });

  it("names the origin of every answer, another for each request", async () => {
    await peer.do("clear");
    const own = await peer.wait("grounding");
    expect([own.source, own.query_id]).toEqual(["topic", expect.stringMatching(/^topic-\d+$/)]);
    const again = await peer.wait("grounding");
    expect(again.query_id).toBe(own.query_id);
    const first = (await other.do("ground", { query: "the red box" })).grounding;
    const second = (await other.do("ground", { query: "the red box" })).grounding;
    const { result } = await other.do("grasp", { query: "the red box" });
    expect([first.source, second.source, result.grounding.source]).toEqual(["service", "service", "action"]);
    const ids = [own, first, second, result.grounding].map((each: Message) => each.query_id);
    expect(new Set(ids).size).toBe(4);
    expect(first.objects[0].id).toBe(`${first.query_id}/0`);
    const detected = await peer.wait("detections");
    const grounded = await peer.wait("grounding");
    expect(detected.detections[0].id).toBe(grounded.objects[0].id);
  });

  it("publishes answers to requests with publish_requests, where the message names the query", async () => {
    await peer.do("set_parameter", { name: "publish_requests", kind: "bool", value: true });
    await peer.do("clear");
    const { query_id: id } = (await other.do("ground", { query: "the blue box" })).grounding;
    const published = await peer.wait("grounding", { where: { query: "the blue box" } });
    expect([published.source, published.query_id]).toEqual(["service", id]);
    const detected = await peer.wait("detections", { has: "the blue box" });
    expect(detected.detections[0].id).toBe(`${id}/0`);
    await peer.wait("detections_3d", { has: "the blue box" });
    for (const { pose } of await received("grasp_pose")) expect(pose.position.x).toBeCloseTo(redX, 3);
  });
});

describe("answers while ~/query is silent", () => {
  it("leave the result topics silent", async () => {
    const peer = new Peer();
    const node = await NodeProcess.start();
    try {
      await peer.do("wait_for_node");
      await peer.do("listen", { topics: [...resultTopics, "mask", "overlay"] });
      await peer.do("camera");
      expect((await peer.do("ground", { query: "the red box" })).success).toBe(true);
      expect((await peer.do("grasp", { query: "the blue box" })).result.success).toBe(true);
      await pause(0.5);
      expect(await peer.do("counts")).toEqual({});
    } finally {
      await node.stop();
      await peer.close();
    }
  });
});
