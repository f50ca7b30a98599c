import { arch, availableParallelism, cpus, platform } from "node:os";
import { Command, Option } from "commander";
import { usage } from "../errors/index.js";
import type { PipelineOptions } from "../pipeline/index.js";
import { compiledModule } from "../workers/index.js";
import { backendFlags } from "./backend-flags.js";

interface BenchOptions extends PipelineOptions {
  readonly family?: string;
  readonly repositories?: string;
}

interface Flags extends BenchOptions {
  readonly json?: boolean;
  readonly quick?: boolean;
}

interface BenchModule {
  readonly benches: Readonly<
    Record<string, () => Promise<(options: BenchOptions, quick: boolean) => Promise<object>>>
  >;
  /** Those that have a short form. */
  readonly quickBenches: readonly string[];
}

/** The list of bench/, loaded at run time: nothing in src depends on a benchmark. */
const loadBenches = async (): Promise<BenchModule> =>
  await import(compiledModule(import.meta.url, "../../bench/index.js").href);

/** Which model `bench ground` measures. */
const modelFlags = (): Option[] => [
  new Option(
    "--model <name>",
    "of ground: an installed model instead of the comparison with the bundled one",
  ),
  new Option("--proposals <source>", "of ground: clusters, or a detector"),
  new Option("--refine <model>", "of ground: a SAM model that draws the masks anew"),
  new Option("--family <name>", "of parity and families-speed: one family of models instead of all"),
  new Option(
    "--repositories <folder>",
    "of parity and families-speed: where their models stay for another run",
  ),
];

/** `bench`: side-by-side measurements, as ratios within one run. */
export async function benchCommand(): Promise<Command> {
  const { benches, quickBenches } = await loadBenches();
  const command = new Command("bench")
    .description(`side-by-side measurements: ${Object.keys(benches).join(", ")}`)
    .argument("[name]", "which one; all when omitted")
    .option("--json", "print JSON")
    .option(
      "--quick",
      `a few repetitions, to see that it runs: no figures to quote (${quickBenches.join(", ")})`,
    )
    .addHelpText("after", "\nThe options for where the model runs are for ground and replay.");
  for (const flag of [...modelFlags(), ...backendFlags()]) command.addOption(flag);
  return command.action(async (name: string | undefined, flags: Flags) => {
    const { json, quick = false, ...options } = flags;
    const names =
      name === undefined
        ? Object.keys(benches).filter((each) => (quick ? quickBenches.includes(each) : !each.includes("-")))
        : [name];
    const results: Record<string, object> = {};
    for (const each of names) {
      const load = benches[each];
      if (load === undefined) {
        throw usage(`no bench ${each}; there are ${Object.keys(benches).join(", ")}`);
      }
      if (quick && !quickBenches.includes(each)) {
        throw usage(`bench ${each} has no --quick; those that have: ${quickBenches.join(", ")}`);
      }
      results[each] = await (await load())(options, quick);
    }
    const report = {
      command: `grasp-grounding bench ${name ?? ""}`.trim(),
      ...(quick && { quick }),
      machine: machine(),
      ...results,
    };
    process.stdout.write(`${json ? JSON.stringify(report, undefined, 2) : toText(results)}\n`);
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
