import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";

/**
 * Prints what a long test measured; with GRASP_GROUNDING_RESULTS=1 it becomes docs/results/NAME.json.
 * @param command that repeats the measurement; @param what the figures are
 */
export function recordResults(name: string, command: string, what: string, figures: object): void {
  const machine = { cpu: cpus()[0]?.model, cores: cpus().length, node: process.versions.node };
  const date = new Date().toISOString().slice(0, 10);
  const text = JSON.stringify({ command, what, date, machine, load_average: loadavg(), ...figures }, null, 1);
  console.info(text);
  if (process.env.GRASP_GROUNDING_RESULTS === "1")
    writeFileSync(fileURLToPath(new URL(`../../docs/results/${name}.json`, import.meta.url)), `${text}\n`);
}
