// `npm test`: set-up (packages, a Python with the reference implementations of the tests, a real ROS 2), then every suite
// without what takes long. `npm run test:long` (`--long`) runs the rest; see CONTRIBUTING.md. Suites that mostly wait for
// nodes and browsers run while those that compute do, which have a lower priority. Both commands end with the line
// `N passed, N failed`, before it what failed and what was slow. `npm test -- unit` runs only the suites named, and
// `npm run test:long -- long test/long/memory.test.ts` only these files of them.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
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

/** Runs a command with its output on stderr: resolves to its exit code, which is none where a signal ended it. */
function execute(command, args, { env, niceness = 0 } = {}) {
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", 2, 2], env });
  if (child.pid !== undefined && niceness > 0) setPriority(child.pid, niceness);
  return new Promise((resolve) => {
    child.once("exit", (status) => resolve({ status }));
    child.once("error", () => resolve({ status: undefined }));
  });
}

/** Starts a script of the set-up: resolves to whether it succeeded. */
const start = async (...args) => (await execute(process.execPath, args)).status === 0;

const environment = {
  ...process.env,
  GRASP_GROUNDING_SETUP: "skip",
  GRASP_GROUNDING_TESTS: part,
  GRASP_GROUNDING_PYTHON: process.env.GRASP_GROUNDING_PYTHON ?? interpreter,
};
/**
 * Suites of one lane run one after the other, the lanes at the same time. Those that compute leave the processor to the
 * lane "time", whose nodes, browsers and simulated arms mostly wait.
 */
const lanes = ["time", "unit", "checks"];
const nicenessOf = (lane) => (lane === "time" ? 0 : 10);
const node = (args, niceness) => execute(process.execPath, args, { env: environment, niceness });

/** A command that passes or fails as a whole. It needs nothing but the packages. */
const check = (name, args) => ({
  name,
  alone: true,
  lane: "checks",
  run: async () => {
    const { status } = await node(args, nicenessOf("checks"));
    return status === 0
      ? { passed: 1, failed: 0 }
      : { passed: 0, failed: 1, failures: [`${name} > exit code ${status}`] };
  },
});

/** Most files with failures that are run a second time: more than these have a cause. */
const mostAgain = 4;

/** One run of a vitest project: its results by file, and its exit status. */
async function runVitest(name, { wrapper, files, niceness, again = "" }) {
  const report = join(reports, `${name}-${part}${again}.json`);
  rmSync(report, { force: true });
  const args = ["node_modules/vitest/vitest.mjs", "run", "--project", name, ...files];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = await node([...wrapper, ...args, ...reporters], niceness);
  const results = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")).testResults : undefined;
  return { status, results };
}

/**
 * A project of vitest.config.ts, counted test by test. `files` are those that run when the suite is not named. With
 * `again`, a few files that failed run once more, and that run counts: peers, browsers and nodes in their own processes
 * share the cores of the machine, and none of them waits for the others. What failed at first is listed as unsteady.
 */
const vitest = (name, { wrapper = [], again = false, files: few = [], lane = "unit", ...rest } = {}) => ({
  name,
  lane,
  ...rest,
  run: async () => {
    const niceness = nicenessOf(lane);
    const first = await runVitest(name, { wrapper, files: wanted.includes(name) ? named : few, niceness });
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
      const second = await runVitest(name, { wrapper, files, niceness, again: "-again" });
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
const pytest = (name, folders, { wrapper = [], ignored, lane = "checks", ...rest } = {}) => ({
  name,
  lane,
  ...rest,
  run: async () => {
    const report = join(reports, `${name}-${part}.xml`);
    rmSync(report, { force: true });
    const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", `--junitxml=${report}`, ...folders];
    if (ignored !== undefined) args.push(`--ignore=${ignored}`);
    const [command, ...others] = [...wrapper, environment.GRASP_GROUNDING_PYTHON, ...args];
    const niceness = nicenessOf(lane);
    const { status } = await execute(command, others, { env: environment, niceness });
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

/** A suite inside the ROS 2 that `npm run ros:setup` made or found. */
const withEnv = [process.execPath, "scripts/ros/with-env.mjs"];
const ros = (name, options) =>
  vitest(name, {
    wrapper: [...withEnv.slice(1), process.execPath],
    inRos: true,
    lane: "time",
    ...options,
  });

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
  vitest("console", { again: true, lane: "time" }),
  ros("ros", { again: true }),
];

const longer = [
  vitest("unit", { needs: ["serving-engine"] }),
  pytest("models", [families]),
  vitest("console", { again: true, lane: "time", needs: ["schemathesis"] }),
  ros("ros", { again: true, needs: ["colcon"] }),
  // The simulated cell and the node on it, over ROS.
  pytest("sim", ["simulation/tests"], { wrapper: withEnv, inRos: true, lane: "time" }),
  // Three minutes of it; `npm run soak` takes half an hour.
  ros("soak"),
  // The others take too long for every run: `npm run test:long -- long`.
  ros("long", { files: ["test/long/families.test.ts"], lane: "unit" }),
];
const suites = long ? longer : short;

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

/** What every suite but the checks needs of scripts/test-environments.mjs. A suite's `needs` names others. */
const base = ["python-test-peers", "python-worker", "opencv4-test-peer"];
const needed = chosen.filter(({ alone }) => !alone).flatMap((suite) => [...base, ...(suite.needs ?? [])]);
// Environments are fetched while packages are, and ROS is built while the suites run that need none.
const environments = new Map(
  [...new Set(needed)].map((name) => [name, start("scripts/test-environments.mjs", name)]),
);
await setUp();
mkdirSync(reports, { recursive: true });
const setUpRos = () => start("scripts/ros/setup.mjs", ...(long ? ["--moveit"] : []));
// Once more where it fails: it downloads.
const rosReady = chosen.some(({ inRos }) => inRos) ? setUpRos().then((good) => good || setUpRos()) : true;
const all = { passed: 0, failed: 0, failures: [], unsteady: [], times: [] };

/** Runs suites one after the other. */
async function runAll(list) {
  for (const suite of list) {
    const missing = [];
    for (const name of suite.alone ? [] : [...base, ...(suite.needs ?? [])])
      if (!(await environments.get(name))) missing.push(`${name}: its set-up failed`);
    if (suite.inRos && !(await rosReady)) missing.push("ROS 2: ros:setup failed");
    const started = Date.now();
    process.stderr.write(`\n── ${suite.name} ──\n`);
    const lacking = missing.map((what) => `${suite.name} > there is no ${what}`);
    const result =
      lacking.length > 0 ? { passed: 0, failed: lacking.length, failures: lacking } : await suite.run();
    const { passed, failed, failures = [], unsteady = [], times = [] } = result;
    all.passed += passed;
    all.failed += failed;
    all.failures.push(...failures);
    all.unsteady.push(...unsteady);
    all.times.push(...times);
    const seconds = ((Date.now() - started) / 1000).toFixed(0);
    process.stderr.write(`${suite.name}: ${passed} passed, ${failed} failed in ${seconds} s\n`);
  }
}
await Promise.all(lanes.map((lane) => runAll(chosen.filter((suite) => suite.lane === lane))));
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
