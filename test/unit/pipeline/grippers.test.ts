import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { grippers } from "../../../src/grasping/index.js";
import { readGripper } from "../../../src/pipeline/index.js";
import { temporaryFolder } from "../../support/bags.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const dimensions = `
stroke: 0.1
finger_length: 0.06
finger_width: 0.02
finger_thickness: 0.012
palm: [0.15, 0.07, 0.1]
`;

it("is one of those that are known by name", async () => {
  for (const [name, model] of Object.entries(grippers)) expect(await readGripper(name)).toBe(model);
});

it("is read from YAML, and from JSON", async () => {
  const wanted = {
    stroke: 0.1,
    palm: [0.15, 0.07, 0.1],
    fingerLength: 0.06,
    fingerWidth: 0.02,
    fingerThickness: 0.012,
  };
  expect(await readGripper(folder.write("own.yaml", dimensions))).toEqual({ name: "custom", ...wanted });
  const named = {
    name: "wide",
    stroke: 0.1,
    finger_length: 0.06,
    finger_width: 0.02,
    finger_thickness: 0.012,
  };
  const json = JSON.stringify({ ...named, palm: [0.15, 0.07, 0.1], max_force: 40 });
  expect(await readGripper(folder.write("wide.json", json))).toEqual({
    ...wanted,
    name: "wide",
    maxForce: 40,
  });
});

it.each([
  ["no such name", "shovel", /gripper shovel: not known; there are .*YAML/],
  ["a field that is missing", folder.write("short.yml", dimensions.replace(/stroke.*/, "")), /stroke/],
  ["a field that is none", folder.write("more.yml", `${dimensions}colour: red\n`), /colour/],
  ["a size that cannot be", folder.write("negative.yml", dimensions.replace("0.06", "-0.06")), /finger/],
  ["no YAML", folder.write("broken.yml", "stroke: [0.1"), /gripper .*broken\.yml: /],
  ["no file", join(folder.path, "none.yaml"), /none\.yaml/],
])("%s is refused with a reason", async (_, nameOrFile, message) => {
  await expect(readGripper(nameOrFile)).rejects.toThrow(message);
});
