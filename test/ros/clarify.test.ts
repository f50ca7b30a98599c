import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "./support/peer.js";

const succeeded = 4;
const aborted = 6;
const red = { x1: 60, y1: 40, x2: 110, y2: 100 };
const blue = { x1: 180, y1: 120, x2: 240, y2: 160 };

/** A node that asks back, knows boxes by colour, and has answered a goal once; with the peer that is its camera. */
async function askingNode(
  env: Readonly<Record<string, string>> = {},
): Promise<{ peer: Peer; node: NodeProcess }> {
  const peer = new Peer();
  const node = await NodeProcess.start(
    ["-p", "mode:=on_demand", "-p", "sync_tolerance:=0.05", "-p", "ask:=when_unsure"],
    { TEST_PIPELINE: "boxes", ...env },
  );
  await peer.do("wait_for_node");
  await peer.do("listen", { topics: ["grounding"] });
  await peer.do("camera");
  // The first image may come before depth has been discovered.
  await peer.do("grasp", { query: "the red box" });
  return { peer, node };
}

/** Two boxes that bear the name, against rclpy over DDS. */
describe("commands and questions back", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    ({ peer, node } = await askingNode());
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });
  afterEach(() => peer.do("set_parameter", { name: "mode", kind: "string", value: "on_demand" }));

  it("says in the message what the query was understood as", async () => {
    const { grounding } = await peer.do("ground", { query: "pick up the boxes but not the red one" });
    expect(grounding.commands).toHaveLength(1);
    expect(grounding.commands[0]).toMatchObject({
      act: "pick",
      text: "pick: the boxes (all), not: the red box",
      targets: [{ phrase: "the boxes", count: -1, exclude: ["the red box"] }],
    });
    expect(grounding.objects).toHaveLength(1);
    expect(grounding.objects[0]).toMatchObject(blue);
  });

  it("numbers the objects of several targets", async () => {
    const { grounding } = await peer.do("ground", { query: "the blue box and the red box" });
    expect(grounding.objects).toMatchObject([
      { ...blue, target: 0 },
      { ...red, target: 1 },
    ]);
  });

  it("says which language was not understood", async () => {
    const { grounding } = await peer.do("ground", { query: "gib mir die rote Schachtel" });
    expect(grounding).toMatchObject({ found: false, language: "de", objects: [] });
    expect(grounding.reason).toBe("the query is in German; only English is understood");
  });

  it("asks in the service's answer, and takes the reply of the same client alone", async () => {
    const asked = await peer.do("ground", { query: "the box", client: "ann" });
    expect(asked.grounding.question).toBe("The red box or the blue one?");
    expect(asked.grounding.question_labels).toEqual(["the red box", "the blue box"]);
    const other = await peer.do("ground", { query: "the left one", client: "bob" });
    expect(other.grounding.objects).toEqual([]);
    const replied = await peer.do("ground", { query: "the left one", client: "ann" });
    expect(replied.grounding).toMatchObject({ found: true, question: "" });
    expect(replied.grounding.objects).toHaveLength(1);
    expect(replied.grounding.objects[0]).toMatchObject(red);
  });

  it("holds a goal at the stage clarifying until the reply comes", async () => {
    const { status, result, feedback } = await peer.do("grasp", {
      query: "take the box",
      replies: ["the red one"],
    });
    expect(status).toBe(succeeded);
    const stages = feedback.map((each: { stage: string }) => each.stage);
    expect(stages).toContain("clarifying");
    expect(feedback.find((each: { stage: string }) => each.stage === "clarifying")).toMatchObject({
      question: "The red box or the blue one?",
      question_labels: ["the red box", "the blue box"],
    });
    expect(result.grounding.objects[0]).toMatchObject(red);
    expect(result.grasps[0].pose.pose.position.z).toBeCloseTo(0.7, 3);
  });

  it("asks again after a reply that means none of them", async () => {
    const { result, feedback } = await peer.do("grasp", {
      query: "the box",
      replies: ["hmm", "the right one"],
    });
    const questions = feedback.filter((each: { stage: string }) => each.stage === "clarifying");
    expect(questions).toHaveLength(2);
    expect(result.grounding.objects[0]).toMatchObject(blue);
  });

  it("ends a goal without a reply in time, with the question", async () => {
    await peer.do("set_parameter", { name: "clarify_timeout", kind: "double", value: 1.5 });
    const { status, result } = await peer.do("grasp", { query: "the box" });
    await peer.do("set_parameter", { name: "clarify_timeout", kind: "double", value: 30 });
    expect(status).toBe(aborted);
    expect(result.message).toContain("no reply within 1.5 s to the question: The red box or the blue one?");
  });

  it.each(["stop", "never mind"])("ends a goal that waits for a reply by the word %s", async (word) => {
    const { status, result } = await peer.do("grasp", { query: "the box", replies: [word] });
    expect(status).toBe(aborted);
    expect(result.message).toBe(`stopped by the query "${word}"`);
  });

  it("ends a running goal by a goal of another client that says stop", async () => {
    const other = new Peer();
    try {
      await other.do("wait_for_node");
      // Each "hmm" brings the question again, so that one that listens late hears it too.
      const waiting = peer.do("grasp", { query: "the box", replies: ["hmm", "hmm", "hmm"] });
      await other.do("wait_for_question");
      const late = await other.do("grasp", { query: "stop" });
      expect(late).toMatchObject({ status: succeeded, result: { success: true } });
      expect(late.result.message).toBe("goals that had not moved the arm yet were ended");
      const { status, result } = await waiting;
      expect(status).toBe(aborted);
      expect(result.message).toBe('stopped by the query "stop"');
    } finally {
      await other.close();
    }
  });

  it("takes the reply for the topic's query, and stays with the object", async () => {
    await peer.do("set_parameter", { name: "mode", kind: "string", value: "continuous" });
    await peer.do("query", { text: "the box" });
    await peer.wait("grounding", { where: { question: "The red box or the blue one?" } });
    await peer.do("clarify", { text: "the red one" });
    await peer.wait("grounding", { where: { query: "the red one" } });
    await peer.do("clear");
    for (let i = 0; i < 3; i++) {
      const next = await peer.wait("grounding", { where: { query: "the box" } });
      expect(next).toMatchObject({ question: "", found: true });
      expect(next.objects[0]).toMatchObject(red);
      await peer.do("clear");
    }
    await peer.do("query", { text: "" });
  });

  it("asks nothing with ask never", async () => {
    await peer.do("set_parameter", { name: "ask", kind: "string", value: "never" });
    const { grounding } = await peer.do("ground", { query: "the box" });
    expect(grounding).toMatchObject({ question: "", found: true });
    const refused = await peer.do("set_parameter", { name: "ask", kind: "string", value: "often" });
    expect(refused.reason).toBe('ask must be one of never, when_unsure, always, not "often"');
  });
});

describe("an object that keeps the gripper away from another", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    ({ peer, node } = await askingNode({ TEST_BLOCKED: "1" }));
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });

  it("is offered by the goal, and taken in its place after yes", async () => {
    const { status, result, feedback } = await peer.do("grasp", {
      query: "the blue box",
      replies: ["yes"],
    });
    expect(feedback.find((each: { stage: string }) => each.stage === "clarifying")).toMatchObject({
      question: "The box in front of it blocks every grasp. Take the box first?",
      question_labels: [],
    });
    expect(status).toBe(succeeded);
    expect(result.grounding.objects[0]).toMatchObject(red);
    expect(result.grasps).toHaveLength(1);
  });

  it("leaves the goal without a grasp after no", async () => {
    const { result } = await peer.do("grasp", { query: "the blue box", replies: ["no"] });
    expect(result.success).toBe(false);
    expect(result.message).toContain("no grasp is free");
    expect(result.grounding.objects[0]).toMatchObject(blue);
  });
});
