// `npm run mutation`: Stryker over geometry, masks, the arm's limits and the safety supervisor; the scores go to docs/results/mutation.json.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib/setup.mjs";

const stryker = join("node_modules", "@stryker-mutator", "core", "bin", "stryker.js");
const { status } = spawnSync(
  process.execPath,
  [stryker, "run", "test/mutation/stryker.config.mjs", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
const { files } = JSON.parse(readFileSync(join(root, ".cache", "mutation", "mutation.json"), "utf8"));
const score = (mutants) => {
  const count = (...kinds) => mutants.filter((each) => kinds.includes(each.status)).length;
  const killed = count("Killed", "Timeout");
  const all = killed + count("Survived", "NoCoverage");
  return { mutants: all, killed, score: all === 0 ? 1 : Math.round((killed / all) * 1e4) / 1e4 };
};
const part = (path) => path.split("/").slice(1, -1).join("/");
const parts = [...new Set(Object.keys(files).map(part))].sort();
const mutantsOf = (keep) =>
  Object.entries(files)
    .filter(([path]) => keep(path))
    .flatMap(([, { mutants }]) => mutants);
const result = {
  command: "npm run mutation",
  what: "share of mutants that the tests notice; texts and code that runs once at start are not mutated",
  all: score(mutantsOf(() => true)),
  parts: Object.fromEntries(parts.map((name) => [name, score(mutantsOf((path) => part(path) === name))])),
  files: Object.fromEntries(
    Object.keys(files)
      .sort()
      .map((path) => [path, score(files[path].mutants)]),
  ),
};
writeFileSync(join(root, "docs", "results", "mutation.json"), `${JSON.stringify(result, undefined, 1)}\n`);
process.exitCode = status ?? 1;
