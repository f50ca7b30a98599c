import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parameterNames, parameterProblem } from "../../src/ros/index.js";
import { NodeProcess, Peer } from "./support/peer.js";

const folder = fileURLToPath(new URL("../../launch", import.meta.url));
const script = fileURLToPath(new URL("./reference/launch_check.py", import.meta.url));
const evaluate = (
  given: Readonly<Record<string, string>>,
  { exits = [], env = {} }: { exits?: readonly number[]; env?: NodeJS.ProcessEnv } = {},
) =>
  JSON.parse(
    execFileSync("python", [script, folder, JSON.stringify(given), JSON.stringify(exits)], {
      encoding: "utf8",
      env: { ...process.env, ...env },
    }),
  );

describe("launch files", () => {
  it("make every parameter a launch argument and pass on only what was given", () => {
    const { arguments: names, overrides, node } = evaluate({ query: "the red mug", sync_tolerance: "0.05" });
    expect(Object.keys(names)).toEqual(expect.arrayContaining([...parameterNames]));
    expect(overrides).toEqual({
      query: ["the red mug", "str"],
      sync_tolerance: ["0.05", "float"],
      use_sim_time: false,
    });
    expect(node).toMatchObject({ package: "grasp_grounding", executable: "bridge" });
    expect(node.remappings).toContainEqual(["camera/color/image_raw", "/camera/camera/color/image_raw"]);
  });

  it("find the package's parameter files by name, and bring the Fast DDS profile", () => {
    const { files, environment } = evaluate({ params_file: "realsense.yaml,franka.yaml" });
    expect(files).toEqual([`${folder}/config/realsense.yaml`, `${folder}/config/franka.yaml`]);
    const profile = `${folder}/config/fastdds.xml`;
    expect(environment).toEqual({
      FASTRTPS_DEFAULT_PROFILES_FILE: profile,
      FASTDDS_DEFAULT_PROFILES_FILE: profile,
    });
    expect(evaluate({ large_images: "false" }).environment).toEqual({
      GRASP_GROUNDING_FASTDDS_PROFILE: "none",
    });
  });

  it("leave a Fast DDS profile that the user has set", () => {
    for (const name of ["FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"])
      expect(evaluate({}, { env: { [name]: "/own.xml" } }).environment).toEqual({});
  });

  it.each([
    ["fails each time", Array(20).fill(134), {}, 6],
    ["fails each time, with fewer starts allowed", Array(20).fill(1), { respawn_max: "2" }, 3],
    ["ends by itself", [0, 0], {}, 1],
    ["refuses a parameter", [2, 2], {}, 1],
    ["fails and then refuses a parameter", [1, 2, 1], {}, 2],
    ["fails, with respawn off", [1, 1], { respawn: "false" }, 1],
  ])("start a node again, and not for ever, that %s", (_, exits, given, starts) => {
    expect(evaluate(given, { exits }).starts).toBe(starts);
  });

  it("take absolute topics as they are, with and without a camera's namespace", () => {
    const remapped = (given: Readonly<Record<string, string>>) =>
      Object.fromEntries(evaluate(given).node.remappings);
    const absolute = remapped({ color_topic: "/rig/left/image", depth_topic: "/rig/depth" });
    expect(absolute).toMatchObject({
      "camera/color/image_raw": "/rig/left/image",
      "camera/aligned_depth_to_color/image_raw": "/rig/depth",
      "camera/color/camera_info": "/camera/camera/color/camera_info",
    });
    // The node takes the transports' topics along with these.
    expect(Object.keys(absolute).filter((each) => each.includes("ompressed"))).toEqual([]);
    expect(remapped({ camera: "" })["camera/color/image_raw"]).toBe("/color/image_raw");
  });

  it("bring parameter files whose every value is allowed", () => {
    for (const name of readdirSync(`${folder}/config`).filter((each) => each.endsWith(".yaml"))) {
      const content = parse(readFileSync(`${folder}/config/${name}`, "utf8")) as Record<
        string,
        { ros__parameters: Record<string, unknown> }
      >;
      for (const [key, value] of Object.entries(content["/**"]!.ros__parameters)) {
        expect(parameterNames, `${name}: ${key}`).toContain(key);
        expect(parameterProblem(key, value), name).toBeUndefined();
      }
    }
  });

  it("bring parameter files and a Fast DDS profile that the node takes", async () => {
    const peer = new Peer();
    const profile = `${folder}/config/fastdds.xml`;
    const node = await NodeProcess.start(
      [
        ...["defaults", "realsense", "franka"].flatMap((name) => [
          "--params-file",
          `${folder}/config/${name}.yaml`,
        ]),
        "-p",
        "target_frame:=''",
      ],
      { FASTRTPS_DEFAULT_PROFILES_FILE: profile, FASTDDS_DEFAULT_PROFILES_FILE: profile },
    );
    try {
      await peer.do("wait_for_node");
      const [tolerance] = await peer.do("get_parameters", { names: ["sync_tolerance"] });
      expect(tolerance.double_value).toBe(0.034);
      await peer.do("listen", { topics: ["grounding"] });
      await peer.do("camera");
      await peer.do("query", { text: "the red box" });
      await peer.wait("grounding", { where: { query: "the red box" } });
      expect(node.output).not.toMatch(/XML|profile/i);
    } finally {
      await node.stop();
      await peer.close();
    }
  });
});
