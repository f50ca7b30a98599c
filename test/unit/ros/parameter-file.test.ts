import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { parameterOverrides } from "../../../src/ros/parameters/overrides.js";
import { parameterEntries, parseScalar } from "../../../src/ros/parameters/parameter-file.js";
import { matches, readRosArguments } from "../../../src/ros/parameters/ros-arguments.js";

const folder = mkdtempSync(join(tmpdir(), "parameters-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(text: string): string {
  const path = join(folder, `${files++}.yaml`);
  writeFileSync(path, text);
  return path;
}

/** What the node would be started with. */
const values = (args: readonly string[]) =>
  Object.fromEntries(
    parameterOverrides(readRosArguments(["--ros-args", ...args], "grasp_grounding").parameters),
  );

describe("a parameter file", () => {
  it.each([
    ["/**", [], "/**:\n  ros__parameters:\n    max_rate: 3.5\n"],
    ["the bare name", [], "grasp_grounding:\n  ros__parameters:\n    max_rate: 3.5\n"],
    ["the full name", [], "/grasp_grounding:\n  ros__parameters:\n    max_rate: 3.5\n"],
    [
      "a namespace and the name",
      ["-r", "__ns:=/ns"],
      "/ns/grasp_grounding:\n  ros__parameters: {max_rate: 3.5}\n",
    ],
    [
      "the same without the slash",
      ["-r", "__ns:=/ns"],
      "ns/grasp_grounding:\n  ros__parameters: {max_rate: 3.5}\n",
    ],
    [
      "nested namespaces",
      ["-r", "__ns:=/a/b"],
      "/a:\n  b:\n    grasp_grounding:\n      ros__parameters: {max_rate: 3.5}\n",
    ],
    ["a nested wildcard", ["-r", "__ns:=/a"], "/a:\n  '**':\n    ros__parameters: {max_rate: 3.5}\n"],
    ["/**/name", ["-r", "__ns:=/a/b"], "/**/grasp_grounding:\n  ros__parameters: {max_rate: 3.5}\n"],
    ["/*/name", ["-r", "__ns:=/a"], "/*/grasp_grounding:\n  ros__parameters: {max_rate: 3.5}\n"],
    ["/*", [], "/*:\n  ros__parameters: {max_rate: 3.5}\n"],
    ["another name by remapping", ["-r", "__node:=left"], "/left:\n  ros__parameters: {max_rate: 3.5}\n"],
    [
      "other nodes too",
      [],
      "/camera:\n  ros__parameters: {fps: 30}\n/grasp_grounding:\n  ros__parameters: {max_rate: 3.5}\n",
    ],
  ])("is read that is keyed by %s", (_, args, text) => {
    expect(values([...args, "--params-file", file(text)])).toEqual({ max_rate: 3.5 });
  });

  it.each([
    [
      "for another node",
      "/other:\n  ros__parameters: {max_rate: 3.5}\n",
      /no entry is for \/grasp_grounding; it has entries for \/other/,
    ],
    [
      "of one namespace too few",
      "/*/grasp_grounding:\n  ros__parameters: {max_rate: 3.5}\n",
      /no entry is for/,
    ],
    ["that is empty", "", /it holds no node/],
    ["without ros__parameters", "/grasp_grounding:\n  max_rate: 3.5\n", /has no ros__parameters/],
    ["with ros__parameters on top", "ros__parameters:\n  max_rate: 3.5\n", /under no node's name/],
    ["that is no YAML", "/**: [", /cannot be used/],
    [
      "with an unknown name",
      "/**:\n  ros__parameters: {max_rat: 3.5}\n",
      /max_rat is refused: the node has no such parameter/,
    ],
    [
      "with an unknown name below a known one",
      "/**:\n  ros__parameters:\n    max_rate:\n      x: 1\n",
      /max_rate\.x/,
    ],
    ["with text for a number", "/**:\n  ros__parameters: {max_rate: fast}\n", /must be a number, not "fast"/],
    ["with a number for text", "/**:\n  ros__parameters: {query: 5}\n", /must be a string \(in quotes/],
    [
      "with a fraction for an integer",
      "/**:\n  ros__parameters: {max_detections: 2.0}\n",
      /must be an integer/,
    ],
    ["with nothing", "/**:\n  ros__parameters: {max_rate: }\n", /not empty/],
    ["with a list", "/**:\n  ros__parameters: {max_rate: [1.0]}\n", /not a list/],
    ["out of range", "/**:\n  ros__parameters: {workspace_min_x: -11.0}\n", /between -10 and 10/],
  ])("is refused %s", (_, text, reason) => {
    const path = file(text);
    expect(() => values(["--params-file", path])).toThrow(reason);
    expect(() => values(["--params-file", path])).toThrow(path);
  });

  it("that is missing is refused", () => {
    expect(() => values(["--params-file", join(folder, "none.yaml")])).toThrow(/ENOENT|no such file/);
  });

  it("gives way to what comes later on the command line", () => {
    const all = file("/**:\n  ros__parameters: {max_rate: 1.0, sync_timeout: 1.0, query: all}\n");
    const mine = file("/grasp_grounding:\n  ros__parameters: {max_rate: 2.0, sync_timeout: 2}\n");
    expect(values(["--params-file", all, "--params-file", mine, "-p", "max_rate:=3"])).toEqual({
      max_rate: 3,
      sync_timeout: 2,
      query: "all",
    });
  });

  it("holds YAML 1.1 as rcl reads it", () => {
    const text =
      "/**:\n  ros__parameters: {a: yes, b: off, c: 1e3, d: 0x10, e: 1:30, f: 1_000, g: '5', h: .inf, i: 2024-01-01}\n";
    const entries = parameterEntries(text, "x");
    expect(entries.map(({ value }) => value)).toEqual([
      true,
      false,
      1e3,
      16n,
      "1:30",
      "1_000",
      "5",
      Infinity,
      "2024-01-01",
    ]);
  });

  it("keeps any text that its writer quotes", () => {
    fc.assert(
      fc.property(fc.string(), (query) => {
        const text = `/**:\n  ros__parameters:\n    query: ${JSON.stringify(query)}\n`;
        expect(parameterEntries(text, "x")).toEqual([{ node: "/**", name: "query", value: query }]);
      }),
    );
  });
});

describe("the command line", () => {
  it("hands what is no parameter on to rcl", () => {
    const args = ["--ros-args", "-r", "a:=b", "-p", "max_rate:=1", "--log-level", "debug", "--"];
    expect(readRosArguments(args, "grasp_grounding").rest).toEqual([
      "--ros-args",
      "-r",
      "a:=b",
      "--log-level",
      "debug",
      "--",
    ]);
  });

  it.each([
    [["-r", "__ns:=/ns", "-r", "__node:=x"], "/ns/x"],
    [["-r", "grasp_grounding:__node:=x", "-r", "other:__ns:=/y"], "/x"],
    [["--remap", "__ns:=/a", "--remap", "__ns:=/b"], "/a/grasp_grounding"],
    [[], "/grasp_grounding"],
  ])("names the node by %s", (args, name) => {
    expect(readRosArguments(["--ros-args", ...args], "grasp_grounding").node).toBe(name);
  });

  it("takes parameters of this node, and leaves those of others", () => {
    expect(values(["-p", "grasp_grounding:max_rate:=1", "-p", "other:max_rate:=2"])).toEqual({ max_rate: 1 });
    expect(() => values(["-p", "max_rate"])).toThrow(/NAME:=VALUE/);
  });

  it.each([
    ["the red mug", "the red mug"],
    ["''", ""],
    ["true", true],
    ["7", 7n],
    ["-0.5", -0.5],
    ["a: b: c", "a: b: c"],
    ["*", "*"],
  ])("reads the value %s as rcl does", (text, value) => {
    expect(parseScalar(text)).toEqual(value);
  });

  it("matches a key with wildcards to names as rclcpp's expressions do", () => {
    const names = fc.array(fc.stringMatching(/^[a-z_]\w{0,4}$/), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(names, fc.nat(), (parts, at) => {
        const name = `/${parts.join("/")}`;
        const i = at % parts.length;
        const one = `/${parts.map((part, j) => (j === i ? "*" : part)).join("/")}`;
        const any = `/${[...parts.slice(0, i), "**", ...parts.slice(i)].join("/")}`;
        expect([name, one, any, "/**"].map((key) => matches(key, name))).toEqual([true, true, true, true]);
        expect(matches(name, `${name}/more`)).toBe(false);
        expect(matches("/*", name)).toBe(parts.length === 1);
      }),
    );
  });
});
