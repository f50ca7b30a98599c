import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
// @ts-expect-error: a script, without types
import * as chain from "../../scripts/lib/supply-chain.mjs";
import { repository } from "../support/python.js";

const text = (path: string) => readFileSync(join(repository, path), "utf8");

it("no package comes under a licence that is not on the list", () => {
  expect(chain.packages().length).toBeGreaterThan(300);
  expect(chain.refused()).toEqual([]);
});

it.each([
  ["GPL-3.0-only", true, false],
  ["MIT AND GPL-3.0-only", true, false],
  ["UNLICENSED", true, false],
  ["none", true, false],
  ["SEE LICENSE IN x", true, false],
  ["CC-BY-4.0", true, false],
  ["CC-BY-4.0", false, true],
  ["(MIT OR GPL-3.0-only)", true, true],
  ["Apache-2.0 AND LGPL-3.0-or-later AND MIT", true, true],
])("%s, shipped: %s, is taken: %s", (licence, shipped, taken) => {
  expect(chain.refused([{ name: "x", version: "1.0.0", licence, shipped }]).length).toBe(taken ? 0 : 1);
});

it("the bill of materials gives each package an address, a hash and a licence", () => {
  const bill = JSON.parse(text("docs/sbom.cdx.json"));
  expect(bill).toMatchObject({
    bomFormat: "CycloneDX",
    metadata: { component: { name: "grasp-grounding" } },
  });
  for (const { name, version, purl, hashes, licenses } of bill.components) {
    expect(purl, name).toBe(`pkg:npm/${name.replace("@", "%40")}@${version}`);
    expect(hashes?.[0]?.content?.length ?? 128, name).toBe(128);
    expect(licenses.length, name).toBeGreaterThan(0);
  }
});

it("every package has a hash in the lock file, and exact versions are asked for", () => {
  const { packages } = JSON.parse(text("package-lock.json"));
  for (const [path, { integrity, link, inBundle }] of Object.entries<Record<string, unknown>>(packages))
    if (path !== "" && !link && !inBundle) expect(integrity, path).toMatch(/^sha512-/);
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(text("package.json"));
  for (const [name, version] of Object.entries({
    ...dependencies,
    ...devDependencies,
    ...optionalDependencies,
  }))
    expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
});

it("no package may run code while it is installed", () => {
  expect(text(".npmrc")).toMatch(/^ignore-scripts=true$/m);
});
