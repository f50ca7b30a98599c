import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pages as allPages } from "../support/docs.js";
import {
  clauseSubjects,
  countWords,
  longSentences,
  replacedNamesOf,
  replacedWordsOf,
  sentences,
} from "../support/english.js";
import { repository } from "../support/python.js";

const text = (page: string) => readFileSync(join(repository, page), "utf8");

/** Pages held to the vocabulary; the others name data sets and their owners (attributions) or belong to models/training. */
const pages = allPages.filter((page) =>
  /^(README|CONTRIBUTING|CHANGELOG|MIGRATION)\.md$|^docs\/|^(calibration|models\/export|scripts\/demo)\/README\.md$/.test(
    page,
  ),
);

/**
 * Pages with parts that a script writes from texts elsewhere, which do not follow the vocabulary yet. The last test of this file
 * fails when they do: then take the page off this list.
 */
const writtenElsewhere: Readonly<Record<string, (page: string) => ReturnType<typeof replacedWordsOf>>> = {
  // models/training/report.py
  "docs/model-card.md": (page) =>
    replacedWordsOf(page.replace(/<!--\s*(\w+):\s*begin\s*-->[\s\S]*?<!--\s*\1:\s*end\s*-->/g, "")),
};

describe("pages of the docs", () => {
  it("are found", () => {
    for (const page of ["README.md", "CHANGELOG.md", "docs/architecture.md", "docs/guide/first-grasp.md"])
      expect(pages).toContain(page);
  });

  it.each(pages)("%s has short sentences", (page) => {
    expect(longSentences(text(page))).toEqual([]);
  });

  it.each(pages.filter((page) => !(page in writtenElsewhere)))("%s has nouns for subjects", (page) => {
    expect(clauseSubjects(text(page))).toEqual([]);
  });

  it.each(pages)("%s uses the field's terms", (page) => {
    const found = (writtenElsewhere[page] ?? ((each) => replacedWordsOf(each)))(text(page));
    expect(found).toEqual([]);
  });

  // MIGRATION.md names what was renamed.
  it.each(pages.filter((page) => page !== "MIGRATION.md"))("%s names code as it is called now", (page) => {
    expect(replacedNamesOf(text(page))).toEqual([]);
  });

  it.each(Object.keys(writtenElsewhere))("%s still needs its exception", (page) => {
    expect(replacedWordsOf(text(page))).not.toEqual([]);
  });
});

describe("the checker", () => {
  const words = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`).join(" ");

  it.each([
    [`${words(31)}.`, 1],
    [`${words(30)}.`, 0],
    [`${words(20)}. ${words(20).replace("w", "W")}.`, 0],
    [`${words(20)}, e.g. ${words(20)}.`, 1],
    [`${words(20)}: ${words(20)}.`, 1],
    [`${words(20)} \`a b c\` ${words(9)}.`, 0],
    [`${words(20)} \`a b c\` ${words(10)}.`, 1],
    [`- ${words(20)}\n- ${words(20)}`, 0],
    [`| a |\n| --- |\n| ${words(40)} |`, 0],
    [`\`\`\`\n${words(40)}\n\`\`\``, 0],
    [`${words(29)} 0.82<!-- a.json b/c d e f -->.`, 0],
  ])("counts the words of %j: %d too long", (page, count) => {
    expect(longSentences(page)).toHaveLength(count);
  });

  it("takes sentences apart where they end", () => {
    expect(sentences('It is. "Right," it says. See 3.5 m. Then [this].')).toHaveLength(4);
    expect(countWords("A mug – 3 mm × 4")).toBe(5);
  });

  it.each([
    ["The picture is sharp.", 1],
    ["# The sentence", 1],
    ["| what |\n| --- |\n| a thing |", 1],
    ["![a picture](a.png)", 1],
    ["Postures and ways, kept beside peers.", 5],
    ["It gives up, then looks again.", 2],
    ["Always nothing, anything, something and away.", 0],
    ["`pictures_total` counts images.", 0],
    ['It says "the red thing".', 0],
  ])("finds replaced words in %j: %d", (page, count) => {
    expect(replacedWordsOf(page)).toHaveLength(count);
  });

  it("leaves cells and headings to their source only when told so", () => {
    const page = "A thing.\n\n| a |\n| --- |\n| a thing |";
    expect(replacedWordsOf(page)).toHaveLength(2);
    expect(replacedWordsOf(page, { paragraphsOnly: true })).toHaveLength(1);
  });

  it("finds replaced names in text and code", () => {
    expect(replacedNamesOf("`LatestQueue` waits in src/bridge.")).toHaveLength(2);
    expect(replacedNamesOf("`GraspPipeline` runs.")).toEqual([]);
  });

  it.each([
    ["What cannot match is an error.", 1],
    ["What runs there?", 0],
    ["It is so. Who may stop the arm is decided elsewhere.", 1],
    ["## What works", 0],
  ])("finds a clause as the subject in %j: %d", (page, count) => {
    expect(clauseSubjects(page)).toHaveLength(count);
  });
});
