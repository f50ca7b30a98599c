import { execFileSync } from "node:child_process";
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { staleSegments } from "../../src/system/index.js";
import { NodeProcess, Peer } from "./support/peer.js";

const cli = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));

/** Segments that a process holds locked. */
const segmentsOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      const [, name] =
        /^\/dev\/shm\/(fastrtps_[0-9a-f]{16})_el$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
      return name === undefined ? [] : [name];
    } catch {
      return [];
    }
  });

it("of a node that was killed is found and named by doctor, and that of a living one is not", async () => {
  const peer = new Peer();
  const node = await NodeProcess.start();
  const killed = segmentsOf(node.child.pid!);
  expect(killed.length).toBeGreaterThan(0);
  expect(staleSegments().names).not.toEqual(expect.arrayContaining(killed));
  await peer.do("wait_for_node");
  // A peer that lives on removes the segments of a dead one itself, within a second or two.
  await peer.close();
  await node.stop("SIGKILL");
  const stale = staleSegments();
  expect(stale.names).toEqual(expect.arrayContaining(killed));
  const output = execFileSync(process.execPath, [cli, "doctor", "--json"], { encoding: "utf8" });
  const { checks } = JSON.parse(output) as { checks: { name: string; detail: string; remedy: string }[] };
  const found = checks.find(({ name }) => name === "shared memory");
  expect(found?.detail).toMatch(/segments? of Fast DDS \(\d+\.\d MB\)/);
  expect(found?.remedy).toContain("flock -n");
  for (const name of killed)
    for (const end of ["", "_el"]) rmSync(join("/dev/shm", `${name}${end}`), { force: true });
});
