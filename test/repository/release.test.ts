import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repository } from "../support/python.js";

const { follows, placeholders, releasedChangelog, releasedFiles } = (await import(
  "../../scripts/release.mjs" as string
)) as {
  follows: (from: string, to: string) => boolean;
  placeholders: (manifest: object) => string[];
  releasedChangelog: (text: string, version: string, date: string) => string;
  releasedFiles: (version: string, date: string) => Map<string, string>;
};

const text = (path: string) => readFileSync(join(repository, path), "utf8");

it.each([
  ["0.1.0", "0.2.0", true],
  ["0.1.9", "0.1.10", true],
  ["1.2.3", "2.0.0", true],
  ["0.1.0", "0.1.0", false],
  ["0.1.0", "0.3.0", false],
  ["0.1.3", "0.2.3", false],
  ["0.1.0", "0.2", false],
  ["0.1.0", "v0.2.0", false],
])("after %s, %s: %s", (from, to, expected) => {
  expect(follows(from, to)).toBe(expected);
});

it("moves the changelog's entries below the version", () => {
  const changelog = "# Changelog\n\n## [Unreleased]\n\n- New.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n";
  expect(releasedChangelog(changelog, "0.2.0", "2026-02-03")).toBe(
    "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-03\n\n- New.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n",
  );
  expect(() => releasedChangelog(changelog, "0.1.0", "")).toThrow("has 0.1.0 already");
  expect(() => releasedChangelog("## [Unreleased]\n\n## [0.1.0]\n", "0.2.0", "")).toThrow("nothing under");
});

it("states the version in every file once, and changes nothing else", () => {
  const files = releasedFiles("0.2.0", "2026-02-03");
  expect([...files.keys()].sort()).toEqual(
    ["CHANGELOG.md", "interfaces/package.xml", "package-lock.json", "package.json", "package.xml"].sort(),
  );
  for (const [path, after] of files) {
    const before = text(path).split("\n");
    const changed = after.split("\n").filter((line) => !before.includes(line));
    expect(changed.length, path).toBe(1);
    expect(changed[0], path).toContain("0.2.0");
  }
  const { version, packages } = JSON.parse(files.get("package-lock.json") ?? "");
  expect([version, packages[""].version]).toEqual(["0.2.0", "0.2.0"]);
  expect(packages["node_modules/sharp"].version).toBe(
    JSON.parse(text("package-lock.json")).packages["node_modules/sharp"].version,
  );
});

it("refuses to publish placeholders", () => {
  const filled = {
    repository: "git+https://host.net/a.git",
    homepage: "https://host.net",
    bugs: "https://host.net/b",
  };
  expect(placeholders(filled)).toEqual([]);
  expect(placeholders({ ...filled, bugs: undefined })).toEqual(["bugs"]);
  expect(placeholders(JSON.parse(text("package.json")))).toEqual(["repository", "homepage", "bugs"]);
});
