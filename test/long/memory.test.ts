import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { NodeProcess, Peer } from "../ros/support/peer.js";

const program = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));
const cycles = 50;
/** Cycles until glibc's heaps have their size. */
const warmUp = 20;
/** Cycles whose lowest figure counts: a leak is not given back, so it raises that. */
const window = 10;

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
      expect(await peer.do("change", { transition: 1 })).toBe(true);
      expect(await peer.do("change", { transition: 2 })).toBe(true);
      // The threads of the model end after the transition has been answered.
      await new Promise((resolve) => setTimeout(resolve, 300));
      memory.push(node.memory());
    }
    const lowest = (from: number) => Math.min(...memory.slice(from, from + window));
    console.info(`memory: ${memory.map((each) => each.toFixed(0)).join(" ")} MB`);
    expect(lowest(cycles - window) - lowest(warmUp)).toBeLessThan(20);
  } finally {
    await node.stop();
    await peer.close();
  }
}, 900_000);
