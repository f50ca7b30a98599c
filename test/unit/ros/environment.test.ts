import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { useLargeImageProfile } from "../../../src/ros/index.js";

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
