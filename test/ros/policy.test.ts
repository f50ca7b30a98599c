import { readFileSync } from "node:fs";
import { parseXml, type XmlElement } from "@rgrove/parse-xml";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ArmCell, armParameters } from "./support/arm-cell.js";
import { NodeProcess, Peer } from "./support/peer.js";

const children = (element: XmlElement) =>
  element.children.filter((each): each is XmlElement => each.type === "element");
/** The only element below, by its name. */
const only = (element: XmlElement, name: string): XmlElement => {
  const below = children(element);
  expect(below.map((each) => each.name)).toEqual([name]);
  return below[0]!;
};

type Right = "publish" | "subscribe" | "reply" | "request" | "call" | "execute";
/** What a list of each kind may grant, by SROS2's policy format. */
const rights: Readonly<Record<string, readonly Right[]>> = {
  topics: ["publish", "subscribe"],
  services: ["reply", "request"],
  actions: ["call", "execute"],
};

/** A policy in launch/security. */
function readPolicy(name: string) {
  const path = new URL(`../../launch/security/${name}.policy.xml`, import.meta.url);
  const root = parseXml(readFileSync(path, "utf8")).root!;
  const profile = only(only(only(only(root, "enclaves"), "enclave"), "profiles"), "profile");
  const allowed = (right: Right): Set<string> =>
    new Set(
      children(profile)
        .filter(({ attributes }) => attributes[right] === "ALLOW")
        .flatMap((list) => children(list).map(({ text }) => text)),
    );
  return { root, profile, allowed };
}

type Graph = Readonly<Record<string, readonly string[]>>;
const isAction = (name: string) => name.includes("/_action/");

/** What the live graph has is allowed, and nothing besides but what `besides` matches. */
function compare(allowed: (right: Right) => Set<string>, graph: Graph, besides: RegExp): void {
  for (const right of ["publish", "subscribe", "reply", "request"] as const) {
    const real = new Set((graph[right] ?? []).filter((name) => !isAction(name)));
    for (const name of real) expect(allowed(right), right).toContain(name);
    expect([...allowed(right)].filter((name) => !real.has(name) && !besides.test(name))).toEqual([]);
  }
  for (const [right, side] of [
    ["execute", "reply"],
    ["call", "request"],
  ] as const) {
    const actions = (graph[side] ?? []).filter((name) => name.endsWith("/_action/send_goal"));
    expect(actions.map((name) => name.replace("/_action/send_goal", "")).sort()).toEqual([...allowed(right)]);
  }
}

/** Other cameras' topics than those that are read, and names that only a ROS with moveit_msgs has. */
const cameras =
  /^\/camera\/.*(compressed|compressedDepth)$|^\/camera\/depth\/|^\/grasp_grounding\/(collision_objects|plan_grasps)$/;

/** The policy fits the live graph as another client library sees it, once that has discovered the whole node. */
async function expectFit(policy: string, peer: Peer, besides: RegExp): Promise<void> {
  const { allowed } = readPolicy(policy);
  await vi.waitFor(async () => compare(allowed, await peer.do("graph"), besides), {
    timeout: 20_000,
    interval: 200,
  });
}

it.each(["grasp_grounding", "grasp_grounding_arm"])(
  "%s has the form SROS2 reads: version 0.2.0, one enclave, lists of rights, whole names, no wildcard",
  (policy) => {
    const { root, profile } = readPolicy(policy);
    expect(root.name).toBe("policy");
    expect(root.attributes).toEqual({ version: "0.2.0" });
    expect(profile.attributes).toEqual({ ns: "/", node: "grasp_grounding" });
    for (const list of children(profile)) {
      for (const [right, value] of Object.entries(list.attributes)) {
        expect(rights[list.name]).toContain(right);
        expect(value).toBe("ALLOW");
      }
      expect(children(list).length).toBeGreaterThan(0);
      for (const { name, text } of children(list)) {
        expect(`${name}s`).toBe(list.name);
        expect(text).toMatch(/^\/[a-z][\w/]*$/);
      }
    }
  },
);

describe("the SROS2 policy without an arm", () => {
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start();
    await peer.do("wait_for_node");
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });

  it("allows what the node has in the live graph, as another client library sees it, and nothing else", async () => {
    await expectFit("grasp_grounding", peer, cameras);
  });
});

describe("the SROS2 policy with an arm", () => {
  const cell = new ArmCell();
  beforeAll(() => cell.start(armParameters()));
  afterAll(() => cell.stop());

  it("allows what the node has by the trajectory action; besides only the controller's topic", async () => {
    const besides = new RegExp(`${cameras.source}|^/joint_trajectory_controller/joint_trajectory$`);
    await expectFit("grasp_grounding_arm", cell.peer, besides);
  });
});
