import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { repository } from "../support/python.js";

const elsewhere = mkdtempSync(join(tmpdir(), "architecture-"));
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

function cruise(folder: string) {
  const program = join(repository, "node_modules", "dependency-cruiser", "bin", "dependency-cruise.mjs");
  const args = [
    program,
    "--config",
    join(repository, ".dependency-cruiser.cjs"),
    "--output-type",
    "err",
    "src",
  ];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
}

it("dependencies point one way, as DESIGN draws them", () => {
  const { status, stdout } = cruise(repository);
  expect(stdout).toContain("no dependency violations");
  expect(Number(/\((\d+) modules/.exec(stdout)?.[1])).toBeGreaterThan(50);
  expect(status).toBe(0);
});

it("and an import the other way is seen", () => {
  for (const [path, text] of [
    ["src/geometry/a.ts", 'import type { B } from "../cli/b.js";\nexport type A = B;\n'],
    ["src/cli/b.ts", "export type B = number;\n"],
    ["tsconfig.json", "{}"],
  ] as const) {
    mkdirSync(join(elsewhere, path, ".."), { recursive: true });
    writeFileSync(join(elsewhere, path), text);
  }
  const { status, stdout } = cruise(elsewhere);
  expect(stdout).toContain("cli-is-the-top");
  expect(stdout).toContain("geometry-is-pure");
  expect(status).not.toBe(0);
});

const sources = spawnSync("git", ["ls-files", "src", "bench"], { cwd: repository, encoding: "utf8" })
  .stdout.trim()
  .split("\n");

it("no folder holds more than 25 files lying flat, so that a reader sees its shape", () => {
  const counts = new Map<string, number>();
  for (const path of sources) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  expect([...counts].filter(([, n]) => n > 25)).toEqual([]);
  expect(counts.size).toBeGreaterThan(40);
});

it("no source file is longer than 400 lines", () => {
  const lengths = sources
    .filter((path) => /\.(ts|tsx|css)$/.test(path))
    .map((path) => [path, readFileSync(join(repository, path), "utf8").split("\n").length] as const);
  expect(lengths.filter(([, lines]) => lines > 401)).toEqual([]);
  expect(lengths.length).toBeGreaterThan(300);
});
