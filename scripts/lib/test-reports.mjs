// What the reports of vitest and pytest say: which tests failed and why, in one line each, and how long files took.
import { root } from "./setup.mjs";

const colours = /\u001b\[[0-9;]*m/g;
const firstLine = (text = "") =>
  text
    .replace(colours, "")
    .split("\n")
    .map((line) => line.trim())
    .find(Boolean)
    ?.slice(0, 200) ?? "";
const inRepository = (path) => (path.startsWith(root) ? path.slice(root.length + 1) : path);

/** One line for each failed test of vitest's JSON report: suite > file > test: first line of its message. */
export function failuresOf(suite, testResults) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = inRepository(name);
    const failed = assertionResults.filter((each) => each.status === "failed");
    if (failed.length === 0 && status === "failed") return [`${suite} > ${file}: ${firstLine(message)}`];
    return failed.map(
      ({ fullName, failureMessages }) =>
        `${suite} > ${file} > ${fullName.trim()}: ${firstLine(failureMessages[0])}`,
    );
  });
}

/** The files of vitest's JSON report in which something failed. */
export const failedFiles = (testResults) =>
  testResults.filter(({ status }) => status === "failed").map(({ name }) => name);

/** A suite's results once the files of a second run stand for themselves. */
export const replaced = (testResults, second) => [
  ...testResults.filter(({ name }) => !second.some((each) => each.name === name)),
  ...second,
];

/** One line for each test that failed in a first run and not in the second of its file. */
export const unsteadyOf = (suite, testResults, second) =>
  second.flatMap((again) => {
    const first = testResults.find(({ name }) => name === again.name);
    const failedAgain = new Set(
      again.assertionResults.filter(({ status }) => status === "failed").map(({ fullName }) => fullName),
    );
    const steady = again.status === "failed" && failedAgain.size === 0;
    if (first === undefined || steady) return [];
    const cured = first.assertionResults.filter(({ fullName }) => !failedAgain.has(fullName));
    if (first.assertionResults.length > 0 && !cured.some(({ status }) => status === "failed")) return [];
    return failuresOf(suite, [{ ...first, assertionResults: cured }]);
  });

/** Tests of vitest's JSON report that passed. */
export const passedOf = (testResults) =>
  testResults.flatMap((each) => each.assertionResults).filter(({ status }) => status === "passed").length;

/** Seconds that each file of vitest's JSON report took. */
export const timesOf = (testResults) =>
  testResults.map(({ name, startTime, endTime }) => ({
    file: inRepository(name),
    seconds: (endTime - startTime) / 1000,
  }));

const entities = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#10;": "\n", "&amp;": "&" };
const plain = (text = "") => text.replace(/&(?:lt|gt|quot|apos|amp|#10);/g, (entity) => entities[entity]);

/** One line for each failed test of pytest's JUnit report. */
export function pytestFailures(suite, xml) {
  const cases = xml.matchAll(/<testcase ([^>]*[^/])>\s*<(?:failure|error)(?: message="([^"]*)")?/g);
  return [...cases].map(([, attributes, message]) => {
    const value = (key) => plain(new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1]);
    return `${suite} > ${value("classname")} > ${value("name")}: ${firstLine(plain(message))}`;
  });
}
