import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { clearSegmentsCommand, staleSegments } from "../../../src/system/index.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "grasp-grounding-shm-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const live = "fastrtps_00000000000000aa";
const stale = "fastrtps_00000000000000bb";

/** A segment of a megabyte with its lock file. @returns the lock file */
function segment(name: string): string {
  writeFileSync(join(folder, name), "");
  truncateSync(join(folder, name), 1 << 20);
  writeFileSync(join(folder, `${name}_el`), "");
  return join(folder, `${name}_el`);
}

it.skipIf(process.platform !== "linux")(
  "names segments that nobody has locked, and clears those alone",
  async () => {
    const lock = segment(live);
    segment(stale);
    const others = ["fastrtps_port7411", "fastrtps_port7411_el", "other"];
    for (const name of others) writeFileSync(join(folder, name), "");
    const holder = spawn("flock", ["--no-fork", lock, "sh", "-c", "echo locked; exec sleep 60"]);
    try {
      await once(holder.stdout, "data");
      expect(staleSegments(folder)).toEqual({ names: [stale], bytes: 1 << 20 });
      expect(spawnSync("sh", ["-c", clearSegmentsCommand(folder)]).stderr.toString()).toBe("");
      expect(staleSegments(folder).names).toEqual([]);
      const left = [live, stale, ...others].filter((each) => existsSync(join(folder, each)));
      expect(left).toEqual([live, ...others]);
    } finally {
      holder.kill("SIGKILL");
      await once(holder, "exit");
    }
  },
);

it("finds nothing where there is no shared memory", () => {
  expect(staleSegments(join(folder, "missing"))).toEqual({ names: [], bytes: 0 });
});
