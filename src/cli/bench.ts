import { arch, availableParallelism, cpus, platform } from "node:os";
import { Command } from "commander";
import { GraspGroundingError } from "../errors/index.js";

type Bench = () => Promise<object>;

/** Benches by name; each module is loaded only when it is run. */
const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  ground: async () => (await import("../bench/ground.js")).benchGround,
  replay: async () => {
    const { benchReplay } = await import("../bench/replay.js");
    const { replay } = await import("./replay/run.js");
    return () => benchReplay((path) => replay(path, { query: ["the red mug"], quiet: true }));
  },
  parity: async () => (await import("../bench/parity.js")).benchParity,
  grasp: async () => (await import("../bench/grasp.js")).benchGrasp,
  arm: async () => (await import("../bench/arm.js")).benchArm,
  ros: async () => (await import("../bench/ros.js")).benchRos,
};

/** `bench`: side-by-side measurements, as ratios within one run. */
export function benchCommand(): Command {
  return new Command("bench")
    .description(`side-by-side measurements: ${Object.keys(benches).join(", ")}`)
    .argument("[name]", "which one; all when left out")
    .option("--json", "print JSON")
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const names = name === undefined ? Object.keys(benches) : [name];
      const results: Record<string, object> = {};
      for (const each of names) {
        const load = benches[each];
        if (load === undefined) {
          throw new GraspGroundingError("USAGE", {
            detail: `no bench ${each}; there are ${Object.keys(benches).join(", ")}`,
          });
        }
        results[each] = await (await load())();
      }
      const report = {
        command: `grasp-grounding bench ${name ?? ""}`.trim(),
        machine: machine(),
        ...results,
      };
      process.stdout.write(`${options.json ? JSON.stringify(report, undefined, 2) : toText(results)}\n`);
    });
}

function machine() {
  return {
    platform: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    node: process.versions.node,
    date: new Date().toISOString().slice(0, 10),
  };
}

function toText(results: Readonly<Record<string, object>>): string {
  return Object.entries(results)
    .map(([name, result]) =>
      [name, ...flatten(result).map(([key, value]) => `  ${key}: ${value}`)].join("\n"),
    )
    .join("\n");
}

function flatten(value: object, prefix = ""): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] =>
    typeof inner === "object" && inner !== null
      ? flatten(inner as object, `${prefix}${key}.`)
      : [
          [
            `${prefix}${key}`,
            typeof inner === "number" ? String(Math.round(inner * 1000) / 1000) : String(inner),
          ],
        ],
  );
}
