// `npm test`: set-up (packages, a Python with the reference implementations of the tests, a real ROS 2), then every suite
// without what takes long. `npm run test:long` (`--long`) runs the rest; see CONTRIBUTING.md. Both end with the line
// `N passed, N failed`, before it what failed and what was slow. `npm test -- unit` runs only the suites named, and
// `npm run test:long -- long test/long/memory.test.ts` only these files of them.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, setUp } from "./lib/setup.mjs";
import {
  failedFiles,
  failuresOf,
  passedOf,
  pytestFailures,
  replaced,
  timesOf,
  unsteadyOf,
} from "./lib/test-reports.mjs";

const long = process.argv[2] === "--long";
const part = long ? "long" : "short";

const reports = join(root, ".cache", "reports");
const interpreter = join(root, ".cache", "venv", "test", "bin", "python");

/** Starts a script of the set-up: resolves to whether it succeeded. */
function start(...args) {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2] });
  return new Promise((resolve) => child.once("exit", (code) => resolve(code === 0)));
}

const environment = {
  ...process.env,
  GRASP_GROUNDING_SETUP: "skip",
  GRASP_GROUNDING_TESTS: part,
  GRASP_GROUNDING_PYTHON: process.env.GRASP_GROUNDING_PYTHON ?? interpreter,
};
const node = (args) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2], env: environment });

/** A command that passes or fails as a whole. It needs nothing but the packages. */
const check = (name, args) => ({
  name,
  alone: true,
  run: () => {
    const { status } = node(args);
    return status === 0
      ? { passed: 1, failed: 0 }
      : { passed: 0, failed: 1, failures: [`${name} > exit code ${status}`] };
  },
});

/** Most files with failures that are run a second time: more than these have a cause. */
const mostAgain = 4;

/** One run of a vitest project: its results by file, and its exit status. */
function runVitest(name, wrapper, files, again = "") {
  const report = join(reports, `${name}-${part}${again}.json`);
  rmSync(report, { force: true });
  const args = ["node_modules/vitest/vitest.mjs", "run", "--project", name, ...files];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = node([...wrapper, ...args, ...reporters]);
  const results = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : undefined;
  return { status, results };
}

/**
 * A project of vitest.config.ts, counted test by test. `files` are those that run when the suite is not named. With
 * `again`, a few files that failed run once more, and that run counts: peers, browsers and nodes in their own processes share the cores of the machine, and none of them waits for
 * the others. What failed at first is listed as unsteady.
 */
const vitest = (name, { wrapper = [], again = false, files: few = [], ...rest } = {}) => ({
  name,
  ...rest,
  run: () => {
    const first = runVitest(name, wrapper, wanted.includes(name) ? named : few);
    if (first.results === undefined)
      return {
        passed: 0,
        failed: 1,
        failures: [`${name} > vitest ended with ${first.status} and no report`],
      };
    let { status, results } = first;
    let unsteady = [];
    const files = failedFiles(results);
    if (again && files.length > 0 && files.length <= mostAgain) {
      process.stderr.write(`\n── ${name}, what failed once more ──\n`);
      const second = runVitest(name, wrapper, files, "-again");
      if (second.results !== undefined) {
        unsteady = unsteadyOf(name, results, second.results);
        ({ status } = second);
        results = replaced(results, second.results);
      }
    }
    const failures = failuresOf(name, results);
    if (status !== 0 && failures.length === 0)
      failures.push(`${name} > vitest ended with ${status}: an error outside of the tests, see its output`);
    return {
      passed: passedOf(results),
      failed: failures.length,
      failures,
      unsteady,
      times: timesOf(results),
    };
  },
});

/** Python's own tests of models/ and simulation/, counted test by test, without the file `ignored`. */
const pytest = (name, folders, { wrapper, ignored } = {}) => ({
  name,
  run: () => {
    const report = join(reports, `${name}-${part}.xml`);
    rmSync(report, { force: true });
    const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", `--junitxml=${report}`, ...folders];
    if (ignored !== undefined) args.push(`--ignore=${ignored}`);
    const options = { cwd: root, stdio: ["ignore", 2, 2], env: environment };
    const command = [environment.GRASP_GROUNDING_PYTHON, ...args];
    const { status } =
      wrapper === undefined
        ? spawnSync(command[0], command.slice(1), options)
        : spawnSync(process.execPath, [wrapper, ...command], options);
    const xml = existsSync(report) ? readFileSync(report, "utf8") : "";
    const totals = /<testsuite [^>]*>/.exec(xml)?.[0];
    const count = (key) => Number(new RegExp(`\\b${key}="(\\d+)"`).exec(totals ?? "")?.[1] ?? 0);
    const failed = Math.max(count("failures") + count("errors"), status === 0 ? 0 : 1);
    const failures = pytestFailures(name, xml);
    if (failed > 0 && failures.length === 0) failures.push(`${name} > pytest ended with ${status}`);
    const seconds = Number(/\btime="([\d.]+)"/.exec(totals ?? "")?.[1] ?? 0);
    return {
      passed: Math.max(0, count("tests") - failed - count("skipped")),
      failed,
      failures,
      times: [{ file: folders.join(", "), seconds }],
    };
  },
});

/** Runs inside the ROS 2 that `npm run ros:setup` made or found. */
const inRos = (suite) => ({
  ...suite,
  inRos: true,
  run: () =>
    node(["scripts/ros/setup.mjs"]).status === 0
      ? suite.run()
      : { passed: 0, failed: 1, failures: [`${suite.name} > there is no ROS 2: ros:setup failed`] },
});
const withEnv = "scripts/ros/with-env.mjs";
const ros = (name, options) =>
  inRos(vitest(name, { wrapper: [withEnv, process.execPath], again: name === "ros", ...options }));

/** Every family of models, exported whole. */
const families = "models/export/test_families.py";

const short = [
  check("lint", ["node_modules/@biomejs/biome/bin/biome", "check", "."]),
  check("generated docs", ["scripts/generate-docs.mjs", "--check"]),
  check("types", ["node_modules/typescript/bin/tsc", "-p", "tsconfig.json"]),
  check("page types", ["node_modules/typescript/bin/tsc", "-p", "src/console/web"]),
  check("report script types", ["node_modules/typescript/bin/tsc", "-p", "src/report/client", "--noEmit"]),
  check("page tests' types", ["node_modules/typescript/bin/tsc", "-p", "test/console"]),
  check("dead code", ["node_modules/knip/bin/knip.js", "--no-progress"]),
  vitest("unit"),
  // What decides whether an arm may move is tested to its last branch.
  check("supervisor coverage", [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "unit",
    "test/unit/arm/supervisor.test.ts",
    "--coverage.enabled",
    "--coverage.include=src/arm/safety/supervisor.ts",
    "--coverage.include=src/arm/safety/supervisor-limits.ts",
    "--coverage.thresholds.100",
    "--coverage.reporter=text",
    "--coverage.reportsDirectory=.cache/coverage",
  ]),
  pytest(
    "models",
    ["models/export", "models/training/tests/test_queries.py", "models/training/tests/test_scenes.py"],
    { ignored: families },
  ),
  vitest("console", { again: true }),
  ros("ros"),
];

const longer = [
  vitest("unit"),
  pytest("models", [families]),
  vitest("console", { again: true }),
  ros("ros"),
  // The simulated cell and the node on it, over ROS.
  inRos(pytest("sim", ["simulation/tests"], { wrapper: withEnv })),
  // Three minutes of it; `npm run soak` takes half an hour.
  ros("soak"),
  // The others take too long for every run: `npm run test:long -- long`.
  ros("long", { files: ["test/long/families.test.ts"] }),
];
const suites = long ? longer : short;

await setUp();
mkdirSync(reports, { recursive: true });

const given = process.argv.slice(long ? 3 : 2);
const named = given.filter((each) => each.endsWith(".test.ts") && existsSync(join(root, each)));
const wanted = given.filter((each) => !named.includes(each));
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `${long ? "npm run test:long" : "npm test"}: no suite ${unknown.join(", ")}; there are ${suites.map((s) => s.name).join(", ")}\n`,
  );
  process.exit(2);
}
const chosen = suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
// Packages are fetched and ROS is built while the suites run that need neither.
const python = chosen.some(({ alone }) => !alone)
  ? start("scripts/test-environments.mjs", ...(long ? [] : ["--short"]))
  : true;
const rosReady = chosen.some(({ inRos: needed }) => needed)
  ? start("scripts/ros/setup.mjs", ...(long ? ["--moveit"] : []))
  : true;
const all = { passed: 0, failed: 0, failures: [], unsteady: [], times: [] };
for (const suite of chosen) {
  if (!suite.alone && !(await python)) process.exit(1);
  if (suite.inRos) await rosReady;
  const started = Date.now();
  process.stderr.write(`\n── ${suite.name} ──\n`);
  const { passed, failed, failures = [], unsteady = [], times = [] } = suite.run();
  all.passed += passed;
  all.failed += failed;
  all.failures.push(...failures);
  all.unsteady.push(...unsteady);
  all.times.push(...times);
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  process.stderr.write(`${suite.name}: ${passed} passed, ${failed} failed in ${seconds} s\n`);
}
const slowest = all.times.sort((a, b) => b.seconds - a.seconds).slice(0, 10);
const list = (title, lines) => (lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)]);
const summary = [
  ...list(
    `slowest files (${part})`,
    slowest.map(({ file, seconds }) => `${seconds.toFixed(1).padStart(6)} s  ${file}`),
  ),
  ...list(`unsteady: failed at first, passed at the second run (${part})`, all.unsteady),
  ...list(`failed (${part})`, all.failures),
];
writeFileSync(join(reports, `summary-${part}.txt`), summary.map((line) => `${line}\n`).join(""));
if (summary.length > 0) process.stderr.write(`\n${summary.join("\n")}\n`);
process.stdout.write(`${all.passed} passed, ${all.failed} failed\n`);
process.exitCode = all.failed === 0 && all.passed > 0 ? 0 : 1;
