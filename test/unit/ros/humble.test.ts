import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ros2humble, ros2jazzy } from "@foxglove/rosmsg-msgs-common";
import { expect, it } from "vitest";
import { repository } from "../../support/python.js";

/**
 * What is checked about ROS 2 Humble: the fields of every message of its core packages that the node reads or writes are
 * those of Jazzy, by the definitions that @foxglove/rosmsg-msgs-common takes from both distributions. Humble has no type
 * hashes (they begin with Iron): there a publisher and a subscription match by the type's name alone.
 *
 * What is not checked: the packages below, launch files, and the node itself on Humble. docs/ros-api.md says so.
 */
const notCompared = [
  "action_msgs/srv",
  "control_msgs",
  "foxglove_msgs",
  "grasp_grounding_interfaces",
  "moveit_msgs",
  "std_srvs",
  "vision_msgs",
];

interface Definition {
  readonly definitions: readonly { name?: string; type: string; isConstant?: boolean; isComplex?: boolean }[];
}

const definitionOf = (all: object, name: string): Definition | undefined =>
  (all as Readonly<Record<string, Definition>>)[name];

const fields = (definition: Definition | undefined) =>
  definition?.definitions.filter(({ isConstant }) => isConstant !== true);

/** Names of the message, service and action types in the node's source. */
function typesInUse(): string[] {
  const folder = join(repository, "src", "ros");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((each) =>
    each.endsWith(".ts"),
  );
  const text = files.map((file) => readFileSync(join(folder, file), "utf8")).join("\n");
  const types = [...text.matchAll(/"(\w+\/(?:msg|srv|action)\/\w+)"/g)].map(([, type]) => type!);
  return [...new Set(types)].sort();
}

/** A type and every type inside it, as `package/Name`. */
function withParts(type: string, seen = new Set<string>()): Set<string> {
  const name = type.replace("/msg/", "/");
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const each of fields(definitionOf(ros2humble, name)) ?? [])
    if (each.isComplex === true) withParts(each.type, seen);
  return seen;
}

it("the core messages that the node uses have the same fields in Humble as in Jazzy", () => {
  const inUse = typesInUse();
  expect(inUse).toEqual(
    expect.arrayContaining(["sensor_msgs/msg/Image", "visualization_msgs/msg/MarkerArray"]),
  );
  const compared = inUse.filter((type) => !notCompared.some((each) => type.startsWith(`${each}/`)));
  const names = new Set(compared.flatMap((type) => [...withParts(type)]));
  expect(names.size).toBeGreaterThan(30);
  for (const name of names) {
    expect(definitionOf(ros2humble, name), name).toBeDefined();
    expect(fields(definitionOf(ros2humble, name)), name).toEqual(fields(definitionOf(ros2jazzy, name)));
  }
});

it("the documentation promises no more than that", () => {
  const api = readFileSync(join(repository, "docs", "ros-api.md"), "utf8");
  const section = /## Distributions\n([\s\S]*?)\n## /.exec(api)?.[1] ?? "";
  for (const name of notCompared.filter((each) => each.endsWith("_msgs") || each === "std_srvs"))
    expect(section, name).toContain(name);
  expect(section).toContain("not run on Humble");
});
