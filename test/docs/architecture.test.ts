import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repository } from "../support/python.js";

const page = readFileSync(join(repository, "docs", "architecture.md"), "utf8");
const drawing = readFileSync(join(repository, "docs", "images", "architecture.svg"), "utf8");
const folders = readdirSync(join(repository, "src"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  // Git leaves an empty folder behind when its files move.
  .filter((name) =>
    readdirSync(join(repository, "src", name), { recursive: true, withFileTypes: true }).some((entry) =>
      entry.isFile(),
    ),
  );

/** Cells of the first column of the table under a heading. */
const firstColumn = (heading: string): string[] => {
  const [, section = ""] = page.split(`## ${heading}\n`);
  const [table = ""] = /\| folder \|[\s\S]*?\n\n/.exec(section) ?? [];
  return [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name = ""]) => name);
};

/** A step of a walk: `Name.method` (src/file.ts) …; every name stands in the file. */
const steps = [...page.matchAll(/^\d+\. ((?:`[\w.]+`(?:, )?)+) \((src\/[\w./-]+)\)/gm)].map(
  ([, names = "", file = ""]) => ({ names: names.replaceAll("`", "").split(/, |\./), file }),
);

describe("docs/architecture.md", () => {
  it("lists every folder of src, and no other", () => {
    expect(firstColumn("Folders of src").sort()).toEqual(folders.sort());
  });

  it.each(folders)("shows %s in its drawing", (folder) => {
    expect(drawing).toMatch(new RegExp(`\\b${folder}\\b`));
  });

  it("has three walks of ten steps", () => {
    expect(steps).toHaveLength(30);
  });

  it.each(steps)("steps through $names in $file", ({ names, file }) => {
    expect(existsSync(join(repository, file)), file).toBe(true);
    const text = readFileSync(join(repository, file), "utf8");
    for (const name of names) expect(text).toMatch(new RegExp(`\\b${name}\\b`));
  });
});
