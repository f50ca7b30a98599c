import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { spread } from "../../bench/statistics.js";
import { ArmCell, armParameters, configuration } from "./support/arm-cell.js";
import type { Message } from "./support/peer.js";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** GRASP_GROUNDING_STOPS=30 measures so many stops of each kind and writes docs/results/arm-stops.json. */
const repeats = Number(process.env.GRASP_GROUNDING_STOPS ?? 0);
const lease = 0.3;
const script = ["--import", here("support/stop-probe.mjs"), here("support/colour-node.mjs")];

interface Stop {
  /** Milliseconds from the order (heartbeats: from the end of the lease) until it leaves the node, until the controller is told, until rest. */
  readonly left: number;
  readonly told: number;
  readonly rest: number;
  /** Longest time the node's process was held up meanwhile, and the CPU time that it had in it. */
  readonly heldUp: number;
  readonly heldUpBusy: number;
}

describe.skipIf(repeats === 0)("stops over DDS, measured", () => {
  const results: Record<string, object> = {};
  const loads: number[] = [];

  afterAll(async () => {
    const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.versions.node };
    const load = { before: loads[0], most: Math.max(...loads) };
    const command = `GRASP_GROUNDING_STOPS=${repeats} npm run test:ros -- test/ros/stops.test.ts`;
    const what =
      "milliseconds from the order to stop, as rclpy sends it (heartbeat: from the end of the lease), until it leaves the node, until the controller's callback in rclpy runs, and until the joints rest, at 200 Hz; held_up: how long the node's process stood still meanwhile";
    const date = new Date().toISOString().slice(0, 10);
    const text = JSON.stringify({ command, what, date, machine, load_average: load, ...results }, null, 2);
    await writeFile(here("../../docs/results/arm-stops.json"), `${text}\n`);
    console.info(text);
  });

  describe.each([
    { kinds: ["cancel", "estop", "estop_topic"], more: {} },
    { kinds: ["heartbeat"], more: { hold_to_run: true, heartbeat_timeout: lease } },
  ])("by $kinds", ({ kinds, more }) => {
    const cell = new ArmCell();
    const { driver, grasp } = cell.doors();
    beforeAll(() => cell.start(armParameters(more), { script }));
    afterAll(() => cell.stop());

    it.each(kinds)(
      "%s",
      async (what) => {
        const stops: Stop[] = [];
        let refused = 0;
        while (stops.length < repeats && refused <= repeats) {
          loads.push(loadavg()[0]!);
          await driver("heartbeats", { on: what === "heartbeat" });
          // A machine too busy for heartbeats to come in time has no motion to stop.
          const provoked = driver("provoke", { what, timeout: 6 }).catch(() => undefined);
          const [, stopped] = await Promise.all([grasp(), provoked]);
          if (stopped === undefined) refused++;
          else stops.push(stopOf(stopped, cell.output, what === "heartbeat" ? lease * 1e3 : 0));
          if (what.startsWith("estop")) {
            await driver(what, { down: false });
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          await driver("trigger", { name: "reset" });
          await driver("posture", { configuration });
          await driver("clear");
        }
        const of = (key: keyof Stop) => {
          const values = stops.map((each) => each[key]);
          return { ...spread(values), max: Math.round(Math.max(...values) * 1e3) / 1e3 };
        };
        results[what] = {
          left_node_ms: of("left"),
          controller_told_ms: of("told"),
          at_rest_ms: of("rest"),
          held_up_ms: of("heldUp"),
          held_up_cpu_ms: of("heldUpBusy"),
          not_begun: refused,
          within_100_ms: stops.filter(({ rest }) => rest <= 100).length / stops.length,
        };
        expect(stops).toHaveLength(repeats);
      },
      600_000,
    );
  });
});

function stopOf(stopped: Message, output: string, since: number): Stop {
  const { began } = stopped;
  const lines = [...output.matchAll(/^probe (\S+) ([\d.]+)(?: ([\d.]+) ([\d.]+))?.*$/gm)];
  const left = lines.find(([, what, at]) => what === "stop" && Number(at) > began);
  const end = began + stopped.rest_ms / 1e3;
  const held = lines
    .filter(([, what, from, to]) => what === "held-up" && Number(to) > began && Number(from) < end)
    .map(([, , from, to, busy]) => [(Number(to) - Number(from)) * 1e3, Number(busy) * 1e3] as const)
    .sort((a, b) => b[0] - a[0]);
  return {
    left: (Number(left?.[2]) - began) * 1e3 - since,
    told: stopped.ordered_ms - since,
    rest: stopped.rest_ms - since,
    heldUp: held[0]?.[0] ?? 0,
    heldUpBusy: held[0]?.[1] ?? 0,
  };
}
