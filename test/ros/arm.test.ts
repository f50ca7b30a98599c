import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ParameterName, parameterSpecs } from "../../src/ros/index.js";
import { descriptions, home } from "../unit/arm/robots.js";
import { diagnosed, type Message, NodeProcess, Peer } from "./support/peer.js";

const succeeded = 4;
const joints = [1, 2, 3, 4, 5, 6, 7].map((i) => `joint_${i}`);
const posture = home.gen3!;
const urdf = descriptions(["gen3"]).gen3!;

/** The camera hangs over the table and looks down; the boxes of the scene stand within the arm's reach. */
const camera = { xyz: [0.55, 0, 1], xyzw: [0, 1, 0, 0] };

const parameters = (more: Readonly<Record<string, string | number | boolean>> = {}): string[] =>
  Object.entries({
    mode: "on_demand",
    sync_tolerance: 0.05,
    arm: "action",
    allow_execute: true,
    base_frame: "base_link",
    // A gripper of 0.12 m on the bare flange of the description.
    tool_offset: 0.12,
    velocity_scale: 0.6,
    max_joint_acceleration: 6,
    max_joint_jerk: 200,
    free_speed: 0.8,
    straight_speed: 0.4,
    // Test machines hold processes up for longer than a robot's may.
    joint_state_timeout: 0.5,
    execute_frame_age: 10,
    stop_timeout: 1,
    ...more,
  }).flatMap(([name, value]) => ["-p", `${name}:=${spelled(name as ParameterName, value)}`]);

/** ROS takes 6 for an integer, also where a double is declared. */
const spelled = (name: ParameterName, value: string | number | boolean): string =>
  parameterSpecs[name].type === "double" ? Number(value).toFixed(3) : String(value);

describe("the arm, against an rclpy driver over DDS", () => {
  let peer: Peer;
  let driver: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    driver = new Peer({}, "controller.py");
    await driver.do("serve", { urdf, joints, posture });
    node = await NodeProcess.start(parameters());
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: ["diagnostics"] });
    await peer.do("tf", { parent: "base_link", child: "camera_color_optical_frame", fixed: true, ...camera });
    await peer.do("camera");
    await armSays("idle");
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
    await driver?.close();
  });
  afterEach(async () => {
    await driver.do("fault");
    await driver.do("posture", { posture });
  });

  /** Waits for the arm's line on /diagnostics. */
  const armSays = async (pattern: string): Promise<Message> => {
    await peer.do("clear");
    for (let tries = 0; tries < 30; tries++) {
      const arm = diagnosed(await peer.wait("diagnostics", { has: ": arm" }), "arm");
      if (new RegExp(pattern).test(arm.message)) return arm;
    }
    throw new Error(`the arm never said ${pattern}`);
  };

  const grasp = (more: Readonly<Record<string, unknown>> = {}): Promise<Message> =>
    peer.do("grasp", { query: "the blue box", execute: true, wait: 60, ...more });

  it("takes the object", async () => {
    await driver.do("gripper", { object: 0.02 });
    const { status, result, feedback } = await grasp();
    console.log(
      result.message,
      feedback.map((f: Message) => [f.stage, f.progress]),
    );
    expect(result.message).toBe("the object was taken");
    expect(status).toBe(succeeded);
    expect([...new Set(feedback.map((each: Message) => each.stage))]).toEqual([
      "waiting_for_frame",
      "grounding",
      "transforming",
      "planning",
      "opening",
      "pre_grasp",
      "approach",
      "grasp",
      "lift",
      "retreat",
    ]);
  });
});
