import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Peer } from "./support/peer.js";

/** The description the build installs beside a message. */
function hashes(packageName: string, type: string): Record<string, string> {
  const file = (process.env.AMENT_PREFIX_PATH ?? "")
    .split(delimiter)
    .map((prefix) => join(prefix, "share", packageName, `${type}.json`))
    .find((path) => existsSync(path));
  if (file === undefined) throw new Error(`${packageName}/${type} is not installed`);
  const { type_hashes } = JSON.parse(readFileSync(file, "utf8")) as {
    type_hashes: { type_name: string; hash_string: string }[];
  };
  return Object.fromEntries(type_hashes.map((each) => [each.type_name, each.hash_string]));
}

describe("interfaces built for a prefix that lacks them", () => {
  // Hashes as ROS 2 distributions publish them: with another hash, nodes of a real installation would not connect.
  it.each([
    [
      "tf2_msgs",
      "msg/TFMessage",
      "tf2_msgs/msg/TFMessage",
      "e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087",
    ],
    [
      "control_msgs",
      "action/FollowJointTrajectory",
      "control_msgs/action/FollowJointTrajectory_Goal",
      "8a9060704b269608f5a340934cc26e66869dd14bdac29e2e7fd9ec8b9882d205",
    ],
    [
      "control_msgs",
      "action/GripperCommand",
      "control_msgs/action/GripperCommand_Result",
      "bf512d5aa6a0e4fe4d8be22b2ec4a1973c3d250fa1f65e47450322c25c45c0a0",
    ],
  ])("%s/%s has the published type hash", (packageName, type, name, hash) => {
    expect(hashes(packageName, type)[name]).toBe(`RIHS01_${hash}`);
  });

  it("our own messages pass through rclpy", async () => {
    const peer = new Peer();
    expect(await peer.do("roundtrip")).toBe(true);
    await peer.close();
  });
});
