import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeMessage } from "../../../src/messages/index.js";
import {
  defaultParameters,
  parameterJson,
  parameterNames,
  parameterPage,
  parameterProblem,
  parameterYaml,
} from "../../../src/ros/index.js";
import { peekHeader } from "../../../src/ros/topics/cdr.js";
import { chooseDurability, chooseReliability, qosProblem } from "../../../src/ros/topics/qos.js";

const file = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

describe("parameters", () => {
  it("are published as the table has them (npm run ros:docs)", () => {
    expect(file("docs/ros-parameters.md")).toBe(parameterPage());
    expect(file("launch/config/defaults.yaml")).toBe(parameterYaml());
    expect(JSON.parse(file("launch/parameters.json"))).toEqual(JSON.parse(parameterJson()));
  });

  it("have defaults that they allow", () => {
    const defaults = defaultParameters();
    for (const name of parameterNames) expect(parameterProblem(name, defaults[name])).toBeUndefined();
  });

  it("are refused with what is allowed", () => {
    expect(parameterProblem("mode", "never")).toContain("continuous, on_demand");
    expect(parameterProblem("sync_tolerance", Number.NaN)).toContain("between 0 and 10");
    expect(parameterProblem("qos_depth", 1n)).toBeUndefined();
  });
});

describe("peekHeader", () => {
  const header = { stamp: { sec: -3, nanosec: 999_999_999 }, frame_id: "camera_ö" };

  it("reads stamp and frame without decoding the message", () => {
    const cdr = encodeMessage("sensor_msgs/msg/CompressedImage", {
      header,
      format: "",
      data: new Uint8Array(3),
    });
    expect(peekHeader(cdr)).toEqual(header);
  });

  it("refuses what is cut off or lies about its length", () => {
    expect(() => peekHeader(new Uint8Array(10))).toThrow(RangeError);
    const cdr = encodeMessage("sensor_msgs/msg/CompressedImage", {
      header,
      format: "",
      data: new Uint8Array(3),
    });
    new DataView(cdr.buffer, cdr.byteOffset).setUint32(12, 4_000, true);
    expect(() => peekHeader(cdr)).toThrow(/overruns/);
  });
});

describe("quality of service", () => {
  const publisher = (reliability: number, topic_type = "sensor_msgs/msg/Image") => ({
    node_name: "driver",
    node_namespace: "/",
    topic_type,
    qos_profile: { reliability, durability: 2 },
  });

  it("follows the publishers", () => {
    expect(chooseReliability("auto", [])).toBe("best_effort");
    expect(chooseReliability("auto", [publisher(1)])).toBe("reliable");
    expect(chooseReliability("auto", [publisher(1), publisher(2)])).toBe("best_effort");
    expect(chooseReliability("reliable", [publisher(2)])).toBe("reliable");
    expect(chooseReliability("auto", [], "reliable")).toBe("reliable");
    const once = { ...publisher(1), qos_profile: { reliability: 1, durability: 1 } };
    expect(chooseDurability([])).toBe("volatile");
    expect(chooseDurability([once])).toBe("transient_local");
    expect(chooseDurability([once, publisher(1)])).toBe("volatile");
    expect(
      qosProblem(
        "/image",
        { reliability: "reliable", durability: "transient_local" },
        "sensor_msgs/msg/Image",
        [publisher(1)],
      ),
    ).toContain("offers volatile durability");
  });

  it("names what cannot match, and the fix", () => {
    expect(
      qosProblem("/image", { reliability: "reliable", durability: "volatile" }, "sensor_msgs/msg/Image", [
        publisher(2),
      ]),
    ).toContain("set qos_reliability to auto");
    expect(
      qosProblem("/image", { reliability: "best_effort", durability: "volatile" }, "sensor_msgs/msg/Image", [
        publisher(1, "std_msgs/msg/String"),
      ]),
    ).toContain("publishes std_msgs/msg/String");
    expect(
      qosProblem("/image", { reliability: "best_effort", durability: "volatile" }, "sensor_msgs/msg/Image", [
        publisher(1),
      ]),
    ).toBeUndefined();
  });
});
