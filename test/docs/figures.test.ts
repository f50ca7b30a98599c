import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
// @ts-expect-error: a script, without types
import * as marks from "../../scripts/lib/figures.mjs";
import { pages } from "../support/docs.js";
import { repository, runPython } from "../support/python.js";

const folder = join(repository, "docs", "results");
const text = (page: string) => readFileSync(join(repository, page), "utf8");

interface Figure {
  readonly page: string;
  readonly shown: string | undefined;
  readonly file: string;
  readonly path: string;
  readonly factor: number;
}

const figures: Figure[] = pages.flatMap((page) =>
  (marks.markedFigures(text(page)) as Omit<Figure, "page">[]).map((figure) => ({ ...figure, page })),
);
/** Written whole from code or results. */
const generatedPages = [
  "docs/performance.md",
  "docs/errors.md",
  "docs/licences.md",
  "docs/ros-parameters.md",
];

describe("figures in the docs", () => {
  it("are marked with the result they come from, in the README above all", () => {
    expect(figures.filter(({ page }) => page === "README.md").length).toBeGreaterThanOrEqual(4);
  });

  it.each(figures)("$page: $shown is $file $path", ({ shown, file, path, factor }) => {
    const value: unknown = marks.resultAt(folder, file, path);
    expect(typeof value).toBe("number");
    expect(shown).toBe(marks.asShown((value as number) * factor, shown ?? ""));
  });

  it("and every comment that looks like a mark is one", () => {
    for (const page of pages) {
      const comments = text(page).match(/<!--\s*[\w.-]+\.json\b/g) ?? [];
      expect([page, marks.marksOf(text(page))]).toEqual([page, comments.length]);
    }
  });

  it.each(pages.filter((page) => !generatedPages.includes(page)))(
    "%s speaks of nothing measured without a mark",
    (page) => {
      const found: string[] = marks.unmarked(text(page));
      // A decision may keep what was measured when it was taken, where it says so.
      if (page.startsWith("docs/decisions/")) {
        if (found.length > 0) expect(text(page)).toContain("were measured when this was decided");
      } else expect(found).toEqual([]);
    },
  );
});

describe("a mark", () => {
  it.each([
    ["of 0.82<!-- a.json b/c -->", ["0.82"]],
    ["90 %<!-- a.json b * 100 -->", ["90"]],
    ["3 / 6 ms, p99 10 to 12 ms<!-- a.json {b,c}/{d,e} -->", ["3", "6", "10", "12"]],
    ["1280×720 at 10,000, 0 lost<!-- a.json b; c -->", ["10,000", "0"]],
    ["by **-0.5**<!-- a.json b --> and 7 ms<!-- c.json d -->", ["-0.5", "7"]],
    ["5 of another paragraph\n\n7 ms<!-- a.json b; c -->", [undefined, "7"]],
  ])("in %j speaks for %j", (given, shown) => {
    expect((marks.markedFigures(given) as Figure[]).map((each) => each.shown)).toEqual(shown);
  });

  it("has its figure written anew from the result, as the page shows it", () => {
    const page =
      "in 1.0 s 2,000 bags, 197 MB<!-- bags-fuzz.json bags; peak_mb -->, 0.2 s<!-- bags-fuzz.json slowest_ms * 0.001 -->";
    expect(marks.withFigures(page, folder)).toBe(page);
    expect(marks.withFigures(page.replace("2,000", "1,999").replace("0.2", "0.9"), folder)).toBe(page);
  });

  it.each([
    ["It takes 15 ms on two cores.", 1],
    ["It takes 12 images a second.", 1],
    ["Measured on two cores: a stop within 60 ms. It is fine.", 1],
    ["| what | ms, median |\n| --- | --- |\n| stop | 59 (83) |", 1],
    ["The tests allow 200 ms. Measured elsewhere.", 0],
    ["It took 15 ms<!-- a.json b -->.", 0],
    ["At most 5 s<!-- no result: a rule of thumb --> as measured by nobody.", 0],
    ["```\ntook 15 ms\n```", 0],
  ])("is missed in %j: %d", (given, count) => {
    expect(marks.unmarked(given)).toHaveLength(count);
  });
});

describe("pages of measurements", () => {
  const measured = JSON.parse(runPython("test/reference/measured_pages.py")) as Record<string, string[]>;

  it.each(Object.entries(measured))("%s says what its results say", (page, parts) => {
    expect(parts.length).toBeGreaterThan(0);
    for (const part of parts) expect(text(page)).toContain(part);
  });
});

it("every committed result says which command made it", () => {
  const silent = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .filter((name) => typeof JSON.parse(readFileSync(join(folder, name), "utf8")).command !== "string");
  expect(silent).toEqual([]);
});
