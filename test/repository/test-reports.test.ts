import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { pythonPath, repository } from "../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "test-reports-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What scripts/lib/test-reports.mjs makes of a report. */
const lines = (call: string): string[] => {
  const code = `import { readFileSync } from "node:fs";
    import * as reports from "./scripts/lib/test-reports.mjs";
    console.log(JSON.stringify(${call}));`;
  const command = ["--input-type=module", "-e", code];
  return JSON.parse(execFileSync(process.execPath, command, { cwd: repository, encoding: "utf8" }));
};

it("names each failed test of vitest with the first line of its message, and a file that does not load", () => {
  const test = "import { expect, it } from 'vitest';\n";
  writeFileSync(
    join(folder, "a.test.ts"),
    `${test}it("holds", () => {}); it("adds", () => expect(2).toBe(3));`,
  );
  writeFileSync(join(folder, "b.test.ts"), "throw new Error('not today');");
  const report = join(folder, "report.json");
  const vitest = join(repository, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", "--root", folder, "--reporter=json", `--outputFile=${report}`];
  expect(spawnSync(process.execPath, args).status).toBe(1);
  const results = `JSON.parse(readFileSync(${JSON.stringify(report)}, "utf8")).testResults`;
  expect(lines(`reports.failuresOf("unit", ${results})`).sort()).toEqual([
    `unit > ${folder}/a.test.ts > adds: AssertionError: expected 2 to be 3 // Object.is equality`,
    `unit > ${folder}/b.test.ts: not today`,
  ]);
  expect(lines(`reports.timesOf(${results})`)).toHaveLength(2);
});

it("takes the second run of a file that failed, and tells what was unsteady from what failed again", () => {
  const result = (name: string, status: string, fullName = "", message = "") => ({
    name,
    status,
    message,
    assertionResults:
      fullName === ""
        ? []
        : [
            { fullName, status, failureMessages: [message] },
            { fullName: "holds", status: "passed" },
          ],
  });
  const first = [
    result("/a", "passed", "adds"),
    result("/b", "failed", "moves", "late"),
    result("/c", "failed", "stops", "late"),
    result("/d", "failed", "", "no port"),
  ];
  const second = [
    result("/b", "passed", "moves"),
    result("/c", "failed", "stops", "later"),
    result("/d", "passed", "starts"),
  ];
  const [one, two] = [JSON.stringify(first), JSON.stringify(second)];
  expect(lines(`reports.failedFiles(${one})`)).toEqual(["/b", "/c", "/d"]);
  expect(lines(`reports.unsteadyOf("ros", ${one}, ${two})`)).toEqual([
    "ros > /b > moves: late",
    "ros > /d: no port",
  ]);
  const merged = `reports.replaced(${one}, ${two})`;
  expect(lines(`reports.failuresOf("ros", ${merged})`)).toEqual(["ros > /c > stops: later"]);
  expect(lines(`[reports.passedOf(${merged})]`)).toEqual([7]);
});

it("names each failed test of pytest", () => {
  const file = join(folder, "test_sums.py");
  writeFileSync(
    file,
    'def test_holds():\n  pass\n\ndef test_adds():\n  raise ValueError("2 < 3")\n\ndef test_too():\n  pass\n',
  );
  const report = join(folder, "report.xml");
  spawnSync(
    pythonPath(),
    ["-m", "pytest", "-q", "--rootdir=.", "-p", "no:cacheprovider", `--junitxml=${report}`, file],
    {
      // Names in the report are of files below pytest's root, which is not always the folder of the file.
      cwd: folder,
    },
  );
  expect(readFileSync(report, "utf8")).toContain("test_adds");
  expect(lines(`reports.pytestFailures("sim", readFileSync(${JSON.stringify(report)}, "utf8"))`)).toEqual([
    "sim > test_sums > test_adds: ValueError: 2 < 3",
  ]);
});
