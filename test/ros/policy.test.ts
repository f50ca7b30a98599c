import { readFileSync } from "node:fs";
import { parseXml, type XmlElement } from "@rgrove/parse-xml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NodeProcess, Peer } from "./support/peer.js";

const path = new URL("../../launch/security/grasp_grounding.policy.xml", import.meta.url);
const root = parseXml(readFileSync(path, "utf8")).root!;
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

const profile = only(only(only(only(root, "enclaves"), "enclave"), "profiles"), "profile");

const allowed = (right: Right): Set<string> =>
  new Set(
    children(profile)
      .filter(({ attributes }) => attributes[right] === "ALLOW")
      .flatMap((list) => children(list).map(({ text }) => text)),
  );

/** The graph once the node's services are in it. */
async function discovered(peer: Peer): Promise<Readonly<Record<string, readonly string[]>>> {
  const end = performance.now() + 20_000;
  while (performance.now() < end) {
    const graph = await peer.do("graph");
    if (graph.reply.length > 10 && graph.subscribe.length > 5) return graph;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("the node's services were not discovered");
}

describe("the SROS2 policy", () => {
  let peer: Peer;
  let node: NodeProcess;
  let graph: Readonly<Record<string, readonly string[]>>;

  beforeAll(async () => {
    peer = new Peer();
    node = await NodeProcess.start();
    await peer.do("wait_for_node");
    graph = await discovered(peer);
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
  });

  it("has the form SROS2 reads: version 0.2.0, one enclave, lists of rights, whole names, no wildcard", () => {
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
  });

  it("allows everything the node has in the live graph, as another client library sees it", () => {
    const isAction = (name: string) => name.includes("/_action/");
    for (const right of ["publish", "subscribe", "reply", "request"] as const)
      for (const name of graph[right] ?? [])
        if (!isAction(name)) expect(allowed(right), right).toContain(name);
    const served = (graph.reply ?? []).filter((name) => name.endsWith("/_action/send_goal"));
    expect(served.map((name) => name.replace("/_action/send_goal", ""))).toEqual([...allowed("execute")]);
  });

  it("allows nothing besides, but the other ways of reading a camera", () => {
    const ways = /^\/camera\/.*(compressed|compressedDepth)$|^\/camera\/depth\//;
    for (const right of ["publish", "subscribe", "reply", "request"] as const) {
      const real = new Set(graph[right] ?? []);
      expect([...allowed(right)].filter((name) => !real.has(name) && !ways.test(name))).toEqual([]);
    }
  });
});
