import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { missingEnvironment, useLargeImageProfile } from "../../../src/ros/index.js";

const folder = mkdtempSync(join(tmpdir(), "grasp-grounding-profile-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("takes the profile for large images unless the user has chosen otherwise", () => {
  const env: NodeJS.ProcessEnv = {};
  expect(useLargeImageProfile("/opt/program", env, folder)).toBe(true);
  expect(env.FASTRTPS_DEFAULT_PROFILES_FILE).toBe("/opt/program/launch/config/fastdds.xml");
  expect(env.FASTDDS_DEFAULT_PROFILES_FILE).toBe("/opt/program/launch/config/fastdds.xml");
  for (const chosen of [
    { FASTRTPS_DEFAULT_PROFILES_FILE: "mine.xml" },
    { FASTDDS_DEFAULT_PROFILES_FILE: "mine.xml" },
    { RMW_IMPLEMENTATION: "rmw_cyclonedds_cpp" },
    { GRASP_GROUNDING_FASTDDS_PROFILE: "none" },
  ]) {
    const given = { ...chosen };
    expect(useLargeImageProfile("/opt/program", given, folder)).toBe(false);
    expect(given).toEqual(chosen);
  }
  writeFileSync(join(folder, "DEFAULT_FASTRTPS_PROFILES.xml"), "");
  expect(useLargeImageProfile("/opt/program", {}, folder)).toBe(false);
});

it("says that the environment of ros:setup is gone, and starts no process in it", () => {
  const cache = join(folder, "ros");
  const interfaces = join(cache, "interfaces");
  mkdirSync(join(interfaces, "share", "grasp_grounding_interfaces"), { recursive: true });
  const write = (prefix: string) =>
    writeFileSync(
      join(cache, "env.json"),
      JSON.stringify({ set: { AMENT_PREFIX_PATH: prefix }, prepend: { PATH: join(prefix, "bin") } }),
    );
  const env = { GRASP_GROUNDING_ROS_CACHE: cache, PATH: "/bin" };
  write(interfaces);
  const made = missingEnvironment("/opt/program", env);
  expect(made).toMatchObject({ AMENT_PREFIX_PATH: interfaces, PATH: `${join(interfaces, "bin")}:/bin` });
  // What is started in it needs no other one.
  expect(missingEnvironment("/opt/program", made)).toBeUndefined();
  write(join(folder, "before", "interfaces"));
  expect(() => missingEnvironment("/opt/program", env)).toThrow(/folders that are gone/);
});
