import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pages } from "../support/docs.js";
import { repository, runPython } from "../support/python.js";

/**
 * A figure of a page names where it comes from in a comment right after it, which readers do not see:
 * `0.79<!-- model-lite.json sets.rendered.precision -->`, or with a factor `92 %<!-- grasp-physics.json single.rate * 100 -->`.
 */
const marked =
  /(-?\d[\d,]*(?:\.\d+)?)(?:\s*(?:%|ms|s|×|x|GB|MB|mm|°|fps|Hz))?\**<!--\s*([\w.-]+\.json)\s+([^\s*]+)(?:\s*\*\s*([\d.e-]+))?\s*-->/g;

const folder = join(repository, "docs", "results");

interface Figure {
  readonly page: string;
  readonly shown: string;
  readonly file: string;
  readonly path: string;
  readonly factor: number;
}

const figures: Figure[] = pages.flatMap((page) =>
  [...readFileSync(join(repository, page), "utf8").matchAll(marked)].map(
    ([, shown = "", file = "", path = "", factor = "1"]) => ({
      page,
      shown,
      file,
      path,
      factor: Number(factor),
    }),
  ),
);

function read(file: string, path: string): unknown {
  const full = join(folder, file);
  if (!existsSync(full)) return undefined;
  let value: unknown = JSON.parse(readFileSync(full, "utf8"));
  for (const key of path.split("/")) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}

describe("figures in the docs", () => {
  it("are marked with the result they come from, in the README above all", () => {
    expect(figures.filter(({ page }) => page === "README.md").length).toBeGreaterThanOrEqual(4);
  });

  it.each(figures)("$page: $shown is $file $path", ({ shown, file, path, factor }) => {
    const value = read(file, path);
    expect(typeof value).toBe("number");
    const digits = shown.split(".")[1]?.length ?? 0;
    expect(((value as number) * factor).toFixed(digits)).toBe(shown.replaceAll(",", ""));
  });

  it("and every comment that looks like a mark is one", () => {
    for (const page of pages) {
      const comments = readFileSync(join(repository, page), "utf8").match(/<!--\s*[\w.-]+\.json\b/g) ?? [];
      expect([page, figures.filter((each) => each.page === page).length]).toEqual([page, comments.length]);
    }
  });
});

describe("pages of measurements", () => {
  const measured = JSON.parse(runPython("test/peers/measured_pages.py")) as Record<string, string[]>;

  it.each(Object.entries(measured))("%s says what its results say", (page, parts) => {
    const text = readFileSync(join(repository, page), "utf8");
    expect(parts.length).toBeGreaterThan(0);
    for (const part of parts) expect(text).toContain(part);
  });
});

it("every committed result says which command made it", () => {
  const silent = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .filter((name) => typeof JSON.parse(readFileSync(join(folder, name), "utf8")).command !== "string");
  expect(silent).toEqual([]);
});
