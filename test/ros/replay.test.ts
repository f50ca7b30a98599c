import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openBag } from "../../src/bags/index.js";
import { sha256 } from "../support/bags.js";
import { domain } from "./support/peer.js";

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const env = { ...process.env, ROS_DOMAIN_ID: String(domain + 1), ROS_AUTOMATIC_DISCOVERY_RANGE: "LOCALHOST" };
const demo = path("demo/demo.mcap");

interface Heard {
  readonly stamp?: number;
  readonly frame?: string;
  readonly time?: number;
  readonly sha256?: string;
  readonly labels?: readonly string[];
}

it("replay --publish: the recording, the answers and /clock arrive at an rclpy subscriber", async () => {
  const bag = await openBag(demo);
  const topics = bag.topics.map(({ name, type }) => `${name}=${type}`);
  const colour = bag.topics.find(({ name }) => name.endsWith("color/image_raw/compressed"))!.name;
  const images: string[] = [];
  for await (const message of bag.messages({ topics: [colour] }))
    images.push(sha256(bag.decode<{ data: Uint8Array }>(message).data));
  const [start = 0n, end = 0n] = [bag.startTime, bag.endTime];
  await bag.close();

  const listener = spawn(
    "python",
    [
      path("test/ros/reference/replay_listener.py"),
      ...topics,
      "/clock=rosgraph_msgs/msg/Clock",
      "/grasp_grounding/detections=vision_msgs/msg/Detection2DArray",
      "/grasp_grounding/markers=visualization_msgs/msg/MarkerArray",
    ],
    { env, stdio: ["pipe", "pipe", "inherit"] },
  );
  const said = createInterface({ input: listener.stdout! })[Symbol.asyncIterator]();
  expect((await said.next()).value).toBe("ready");

  const args = ["replay", demo, "--publish", "--rate", "0.5", "--query", "the yellow banana", "--quiet"];
  const began = performance.now();
  const replay = spawn(process.execPath, [path("bin/grasp-grounding.mjs"), ...args], {
    env: { ...env, GRASP_GROUNDING_SETUP: "skip" },
    stdio: ["ignore", "inherit", "pipe"],
  });
  let errors = "";
  replay.stderr!.on("data", (chunk) => {
    errors += chunk;
  });
  const code = await new Promise((resolve) => replay.once("exit", resolve));
  const seconds = (performance.now() - began) / 1e3;
  listener.stdin!.end();
  const heard = JSON.parse((await said.next()).value as string) as Record<string, Heard[]>;

  expect([code, errors]).toEqual([0, ""]);
  // In half of real time.
  expect(seconds).toBeGreaterThan((Number(end - start) / 1e9) * 2);
  expect(heard[colour]?.map((each) => each.sha256)).toEqual(images);
  for (const topic of topics) expect(heard[topic.split("=")[0]!]?.length ?? 0).toBeGreaterThan(0);

  const clock = heard["/clock"]!.map(({ time }) => time ?? 0);
  expect(clock.length).toBeGreaterThan(40);
  expect(clock.every((time, i) => i === 0 || time >= clock[i - 1]!)).toBe(true);
  expect(clock[0]! / 1e9).toBeCloseTo(Number(start) / 1e9, 0);
  expect(clock.at(-1)! / 1e9).toBeLessThanOrEqual(Number(end) / 1e9 + 1e-6);

  const detections = heard["/grasp_grounding/detections"]!;
  expect(detections.length).toBeGreaterThan(3);
  const stamps = new Set(heard[colour]!.map(({ stamp }) => stamp));
  for (const { stamp, labels, frame } of detections) {
    expect(stamps.has(stamp)).toBe(true);
    expect(new Set(labels)).toEqual(new Set(["the yellow banana"]));
    expect(frame).toMatch(/optical/);
  }
  expect(heard["/grasp_grounding/markers"]!.length).toBe(detections.length);
});
