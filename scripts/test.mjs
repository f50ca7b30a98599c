// `npm test`: set-up (packages, a Python with the reference implementations of the tests, a real ROS 2), then every suite.
// Ends with the line `N passed, N failed`. `npm test -- unit` runs only the suites named.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root, setUp } from "./lib/setup.mjs";

const reports = join(root, ".cache", "reports");
const python = join(root, ".cache", "venv", "test", "bin", "python");

/** Starts what makes the suites' environments; this process ends when that fails. */
function prepare(suites) {
  if (suites.every(({ alone }) => alone)) return Promise.resolve();
  const ros = suites.some(({ inRos }) => inRos) ? ["ros"] : [];
  const child = spawn(process.execPath, ["scripts/test-environments.mjs", ...ros], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  return new Promise((resolve) => {
    child.once("exit", (code) => {
      if (code === 0) resolve();
      else process.exit(1);
    });
  });
}

const environment = {
  ...process.env,
  GRASP_GROUNDING_SETUP: "skip",
  GRASP_GROUNDING_PYTHON: process.env.GRASP_GROUNDING_PYTHON ?? python,
};
const node = (args) =>
  spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", 2, 2], env: environment });

/** A command that passes or fails as a whole. It needs nothing but the packages. */
const check = (name, args) => ({
  name,
  alone: true,
  run: () => (node(args).status === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }),
});

/** A project of vitest.config.ts, counted test by test. */
const vitest = (name, wrapper = []) => ({
  name,
  run: () => {
    const report = join(reports, `${name}.json`);
    rmSync(report, { force: true });
    const args = ["node_modules/vitest/vitest.mjs", "run", "--project", name];
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const { status } = node([...wrapper, ...args, ...reporters]);
    if (!existsSync(report)) return { passed: 0, failed: 1 };
    const {
      numPassedTests,
      numFailedTests,
      numFailedTestSuites = 0,
    } = JSON.parse(readFileSync(report, "utf8"));
    const failed = Math.max(
      numFailedTests,
      status === 0 ? 0 : 1,
      numFailedTests === 0 ? numFailedTestSuites : 0,
    );
    return { passed: numPassedTests, failed };
  },
});

/** Python's own tests of models/, counted test by test. */
const pytest = (name, folders, wrapper) => ({
  name,
  run: () => {
    const report = join(reports, `${name}.xml`);
    rmSync(report, { force: true });
    const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", `--junitxml=${report}`, ...folders];
    const options = { cwd: root, stdio: ["ignore", 2, 2], env: environment };
    const command = [environment.GRASP_GROUNDING_PYTHON, ...args];
    const { status } =
      wrapper === undefined
        ? spawnSync(command[0], command.slice(1), options)
        : spawnSync(process.execPath, [wrapper, ...command], options);
    const totals = existsSync(report)
      ? /<testsuite [^>]*>/.exec(readFileSync(report, "utf8"))?.[0]
      : undefined;
    const count = (key) => Number(new RegExp(`\\b${key}="(\\d+)"`).exec(totals ?? "")?.[1] ?? 0);
    const failed = Math.max(count("failures") + count("errors"), status === 0 ? 0 : 1);
    return { passed: Math.max(0, count("tests") - failed - count("skipped")), failed };
  },
});

/** Runs inside the ROS 2 that `npm run ros:setup` made or found. */
const inRos = (name) => ({
  name,
  inRos: true,
  run: () => {
    if (node(["scripts/ros/setup.mjs"]).status !== 0) return { passed: 0, failed: 1 };
    return vitest(name, ["scripts/ros/with-env.mjs", process.execPath]).run();
  },
});

/** The simulated cell and the node on it, over ROS. */
const sim = {
  name: "sim",
  inRos: true,
  run: () => {
    if (node(["scripts/ros/setup.mjs"]).status !== 0) return { passed: 0, failed: 1 };
    return pytest("sim", ["simulation/tests"], "scripts/ros/with-env.mjs").run();
  },
};

const suites = [
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
  pytest("models", [
    "models/export",
    "models/training/tests/test_queries.py",
    "models/training/tests/test_scenes.py",
  ]),
  inRos("ros"),
  sim,
  vitest("console"),
  // Three minutes of it; `npm run soak` takes half an hour.
  inRos("soak"),
];

await setUp();
mkdirSync(reports, { recursive: true });

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `npm test: no suite ${unknown.join(", ")}; there are ${suites.map((s) => s.name).join(", ")}\n`,
  );
  process.exit(2);
}
const chosen = suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
// Packages are fetched and ROS is built while the checks that need neither run.
const environments = prepare(chosen);
let passed = 0;
let failed = 0;
for (const suite of chosen) {
  if (!suite.alone) await environments;
  const started = Date.now();
  process.stderr.write(`\n── ${suite.name} ──\n`);
  const result = suite.run();
  passed += result.passed;
  failed += result.failed;
  const seconds = ((Date.now() - started) / 1000).toFixed(0);
  process.stderr.write(`${suite.name}: ${result.passed} passed, ${result.failed} failed in ${seconds} s\n`);
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
