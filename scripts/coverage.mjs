// `npm run coverage [-- unit ros console | -- report]`: the share of lines that the tests run, to docs/results/coverage.json. A line counts
// where a test runs it in its own process, or a process that a test started does: the program from dist/, whose lines
// are found through its source maps. Only what is killed outright leaves no record. Suites not
// named keep their last record; `report` runs none.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeProcessCovs } from "@bcoe/v8-coverage";
import { convert } from "ast-v8-to-istanbul";
import istanbul from "istanbul-lib-coverage";
import { parseAstAsync } from "vite";
import { root, setUp } from "./lib/setup.mjs";

const suites = {
  unit: { wrapper: [] },
  ros: { wrapper: ["scripts/ros/with-env.mjs", process.execPath] },
  console: { wrapper: [] },
};
const cache = join(root, ".cache", "coverage");

const wanted = process.argv.slice(2).filter((name) => name !== "report");
const reportOnly = process.argv.includes("report");
if (wanted.some((name) => suites[name] === undefined)) {
  process.stderr.write(`npm run coverage: there are ${Object.keys(suites).join(", ")}\n`);
  process.exit(2);
}
let good = true;
if (!reportOnly) await setUp();
for (const name of reportOnly || wanted.length > 0 ? wanted : Object.keys(suites)) good = run(name) && good;

function run(name) {
  const { wrapper } = suites[name];
  const folder = join(cache, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "children"), { recursive: true });
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--project", name];
  const options = [
    "--coverage.enabled",
    "--coverage.provider=v8",
    "--coverage.reportOnFailure",
    "--coverage.reporter=json",
    "--coverage.include=src/**/*.ts",
    // The page runs in a browser, which is not asked.
    "--coverage.exclude=src/console/web/**",
    `--coverage.reportsDirectory=${join(folder, "own")}`,
  ];
  const { status } = spawnSync(process.execPath, [...wrapper, ...vitest, ...options], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      GRASP_GROUNDING_SETUP: "skip",
      GRASP_GROUNDING_COVERAGE: join(folder, "children"),
    },
  });
  return status === 0;
}

/** Lines of each file that hold a statement, with how often they ran. */
const linesOf = (map) =>
  new Map(map.files().map((path) => [path, map.fileCoverageFor(path).getLineCoverage()]));

const own = istanbul.createCoverageMap({});
const recorded = Object.keys(suites).filter((name) =>
  existsSync(join(cache, name, "own", "coverage-final.json")),
);
for (const name of recorded)
  own.merge(JSON.parse(readFileSync(join(cache, name, "own", "coverage-final.json"), "utf8")));
const children = linesOf(await childrensMap(recorded.map((name) => join(cache, name, "children"))));

/** What the program's files under dist/ ran in all the processes that wrote it down. */
async function childrensMap(folders) {
  const url = new URL("dist/src/", `file://${root}/`).href;
  let merged = { result: [] };
  const read = (path) => {
    const { result } = JSON.parse(readFileSync(path, "utf8"));
    return { result: result.filter((script) => script.url.startsWith(url)) };
  };
  const paths = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  for (let i = 0; i < paths.length; i += 20)
    merged = mergeProcessCovs([merged, ...paths.slice(i, i + 20).map(read)]);
  const map = istanbul.createCoverageMap({});
  for (const coverage of merged.result) {
    const file = fileURLToPath(coverage.url);
    if (!existsSync(`${file}.map`)) continue;
    const code = readFileSync(file, "utf8");
    const sourceMap = JSON.parse(readFileSync(`${file}.map`, "utf8"));
    map.merge(await convert({ ast: parseAstAsync(code), code, sourceMap, coverage, wrapperLength: 0 }));
  }
  return map;
}

const files = {};
for (const [path, lines] of linesOf(own)) {
  const there = children.get(path) ?? {};
  const numbers = Object.keys(lines);
  const inProcess = numbers.filter((line) => lines[line] > 0).length;
  const covered = numbers.filter((line) => lines[line] > 0 || there[line] > 0);
  files[relative(join(root, "src"), path).split(sep).join("/")] = {
    lines: numbers.length,
    covered: covered.length,
    inProcess,
    missing: numbers.filter((line) => !covered.includes(line)),
  };
}

function total(keep) {
  let [lines, covered, inProcess] = [0, 0, 0];
  for (const [path, each] of Object.entries(files)) {
    if (!keep(path)) continue;
    lines += each.lines;
    covered += each.covered;
    inProcess += each.inProcess;
  }
  const share = (part) => Math.round((part / Math.max(1, lines)) * 1e4) / 1e4;
  return { lines, covered, share: share(covered), inProcessShare: share(inProcess) };
}

const folder = (path) => path.split("/")[0];
const folders = [...new Set(Object.keys(files).map(folder))].sort();
const all = total(() => true);
const result = {
  command: "npm run coverage",
  what: "share of the lines of src/ with statements that tests run, in their own process or in one that they start; without the console's page",
  suites: recorded,
  all,
  folders: Object.fromEntries(folders.map((name) => [name, total((path) => folder(path) === name)])),
  filesBelow90: Object.fromEntries(
    Object.entries(files)
      .filter(([, { lines, covered }]) => covered < 0.9 * lines)
      .map(([path, { lines, covered }]) => [path, Math.round((covered / lines) * 1e4) / 1e4])
      .sort(([, a], [, b]) => a - b),
  ),
};
writeFileSync(join(root, "docs", "results", "coverage.json"), `${JSON.stringify(result, undefined, 1)}\n`);
writeFileSync(
  join(cache, "missing.json"),
  JSON.stringify(
    Object.fromEntries(Object.entries(files).map(([path, { missing }]) => [path, missing.join(" ")])),
  ),
);
process.stdout.write(
  `${(all.share * 100).toFixed(1)} % of ${all.lines} lines (suites ${recorded.join(", ")})\n`,
);
process.exitCode = good && all.share >= 0.9 ? 0 : 1;
