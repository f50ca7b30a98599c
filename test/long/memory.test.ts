import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { median } from "../../src/geometry/statistics.js";
import { NodeProcess, Peer } from "../ros/support/peer.js";
import { recordResults } from "../support/results.js";

const program = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));
const cycles = 50;
/** Seconds that a busy machine may take to load the model. */
const wait = 120;
/** Cycles until glibc's heap has its size. */
const warmUp = 10;
/** Cycles whose median counts: a thread that has not ended yet raises a single figure, a leak raises all of them. */
const window = 10;
/** Megabytes that the node may grow by. */
const growth = 20;

it("takes no more memory after 50 times of cleanup and configure with the bundled model", async () => {
  const peer = new Peer();
  const node = await NodeProcess.start(
    ["-p", "autostart:=false"],
    { GRASP_GROUNDING_SETUP: "skip" },
    { ready: false, script: ["--single-threaded-gc", program, "node"] },
  );
  try {
    await peer.do("wait_for_node", { timeout: 60 });
    const memory: number[] = [];
    for (let i = 0; i < cycles; i++) {
      expect(await peer.do("change", { transition: 1, wait })).toBe(true);
      expect(await peer.do("change", { transition: 2, wait })).toBe(true);
      // The threads of the model end after the transition has been answered.
      await new Promise((resolve) => setTimeout(resolve, 300));
      memory.push(node.memory());
    }
    const typical = (from: number) => median(memory.slice(from, from + window));
    const grown = typical(cycles - window) - typical(warmUp);
    recordResults(
      "ros-node-memory",
      "GRASP_GROUNDING_RESULTS=1 npm run test:long -- long test/long/memory.test.ts",
      `resident memory of the node in MB after each of ${cycles} times of configure and cleanup with the bundled model; grown: from the median of cycles ${warmUp + 1} to ${warmUp + window} to the median of the last ${window}`,
      {
        memory_mb: memory.map(Math.round),
        highest_mb: Math.round(Math.max(...memory)),
        grown_mb: Math.round(grown),
      },
    );
    expect(grown).toBeLessThan(growth);
  } finally {
    await node.stop();
    await peer.close();
  }
}, 1_800_000);
