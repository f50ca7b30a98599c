// `npm run test:sim`: the short set. `npm run test:sim -- --scenes 50` runs seeded scenes (simulation/run_scenes.py says which
// options there are) and, when all are done, writes docs/results/sim-cell.json and the table of docs/simulation.md; a mode
// that did not run keeps its figures.
import { spawnSync } from "node:child_process";
import { root } from "../scripts/lib/setup.mjs";
import { inRos, rosEnvironment, setUpSimulation } from "./environment.mjs";

const python = await setUpSimulation();
const args = process.argv.slice(2);
const run = (...command) =>
  spawnSync(process.execPath, inRos(python, ...command), {
    cwd: root,
    env: rosEnvironment(),
    stdio: "inherit",
  }).status ?? 1;

/** The tables' seed; run_scenes.py has the same default. */
function seedOf(args) {
  const joined = args.find((arg) => arg.startsWith("--seed="));
  const at = args.indexOf("--seed");
  return joined?.slice("--seed=".length) ?? (at < 0 ? "1" : args[at + 1]);
}

if (args.some((arg) => arg.startsWith("--scenes"))) {
  process.exitCode = run("simulation/run_scenes.py", ...args.filter((arg) => arg !== "--no-report"));
  if (process.exitCode === 0 && !args.includes("--no-report"))
    process.exitCode = run(
      "simulation/cell_report.py",
      "--command",
      `npm run test:sim -- ${args.join(" ")}`,
      "--seed",
      seedOf(args),
    );
} else {
  const paths = args.some((arg) => arg.endsWith(".py"));
  process.exitCode = run(
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    ...(paths ? [] : ["simulation/tests"]),
    ...args,
  );
}
