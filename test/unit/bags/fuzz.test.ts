import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repository } from "../../support/python.js";

it("250 fuzzed bags neither crash nor hang the reader, nor take a gigabyte", () => {
  const args = [join(repository, "scripts", "bags", "fuzz.mjs"), "--count", "250", "--seed", "20"];
  const env = { ...process.env, GRASP_GROUNDING_SETUP: "skip" };
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8", env });
  const report = JSON.parse(stdout);
  expect(report.failures).toEqual([]);
  expect(status).toBe(0);
  expect(report.bags).toBe(250);
  expect(report.peak_mb).toBeLessThan(1000);
  expect(report.slowest_ms).toBeLessThan(10_000);
  // Damage of every degree: some is survived whole, some in part, some refused.
  for (const outcome of ["read", "partial", "refused"]) expect(report.outcomes[outcome]).toBeGreaterThan(10);
});
