// `npm run rehearse:load [-- --runs 5 --processes 1]`: `npm test` in a clean clone, again and again, while stress-ng keeps the cores
// busy. A test that passes only on an idle machine is found this way. Adds each run to docs/results/suite-under-load.json.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./lib/setup.mjs";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "5" }, processes: { type: "string", default: "1" } },
});
if (spawnSync("stress-ng", ["--version"]).status !== 0) {
  process.stderr.write("rehearse:load: stress-ng is missing: `apt-get install stress-ng`\n");
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), "rehearsal-load-"));
const clone = join(folder, "clone");
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));
spawnSync("git", ["clone", "--quiet", "--no-local", root, clone], { stdio: ["ignore", 2, 2] });
const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: clone, encoding: "utf8" });
const shared = join(root, "..", "shared");
const env = {
  ...process.env,
  CI: "true",
  ...(existsSync(shared) && { GRASP_GROUNDING_SHARED: process.env.GRASP_GROUNDING_SHARED ?? shared }),
};
delete env.GRASP_GROUNDING_SETUP;

/** The lines of the summary under a title. */
const listed = (summary, title) =>
  (summary.split(/\n(?=\S)/).find((part) => part.startsWith(title)) ?? "")
    .split("\n")
    .slice(1)
    .map((line) => line.trim())
    .filter(Boolean);

/** One run of the suite. @returns {Promise<object>} its minutes, counts, what failed, and the load average meanwhile */
async function run() {
  const loads = [];
  const timer = setInterval(() => loads.push(loadavg()[0]), 15_000);
  const stress = spawn("nice", ["-n", "10", "stress-ng", "--quiet", "--cpu", values.processes], {
    stdio: "ignore",
  });
  const began = performance.now();
  const child = spawn("npm", ["test", "--silent"], { cwd: clone, env, stdio: ["ignore", "pipe", 2] });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  await new Promise((done) => child.once("close", done));
  stress.kill();
  clearInterval(timer);
  const [, passed = "0", failed = "1"] = /(\d+) passed, (\d+) failed\s*$/.exec(out) ?? [];
  const file = join(clone, ".cache", "reports", "summary-short.txt");
  const summary = existsSync(file) ? readFileSync(file, "utf8") : "";
  const round = (value) => Math.round(value * 10) / 10;
  return {
    commit: commit.stdout.trim(),
    minutes: round((performance.now() - began) / 60_000),
    passed: Number(passed),
    failed: Number(failed),
    unsteady: listed(summary, "unsteady"),
    failures: listed(summary, "failed"),
    load_mean: round(loads.reduce((sum, each) => sum + each, 0) / Math.max(1, loads.length)),
  };
}

const result = join(root, "docs", "results", "suite-under-load.json");
let good = true;
for (let i = 0; i < Number(values.runs); i++) {
  const last = await run();
  good &&= last.failed === 0 && last.unsteady.length === 0;
  const { runs } = existsSync(result) ? JSON.parse(readFileSync(result, "utf8")) : { runs: [] };
  const content = {
    command: "npm run rehearse:load",
    machine: { cpu: cpus()[0]?.model ?? "", cores: availableParallelism(), node: process.versions.node },
    runs: [...runs, last],
  };
  writeFileSync(result, `${JSON.stringify(content, undefined, 1)}\n`);
  process.stdout.write(
    `${last.minutes} min: ${last.passed} passed, ${last.failed} failed, ${last.unsteady.length} unsteady\n`,
  );
}
process.exitCode = good ? 0 : 1;
