import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
