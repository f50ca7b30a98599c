import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { identifyLanguage } from "../../../../src/grounding/query/language.js";

const read = <T>(name: string): readonly T[] =>
  readFileSync(new URL(`../../../fixtures/language/${name}`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);

const english = [
  ...read<{ text: string }>("commands-dev.jsonl"),
  ...read<{ text: string }>("commands-heldout.jsonl"),
];
const others = read<{ text: string; language: string }>("other-languages.jsonl");

describe("the language of a query", () => {
  const guesses = (rows: readonly { readonly text: string; readonly language?: string }[]) =>
    Promise.all(rows.map(async (row) => ({ ...row, guess: await identifyLanguage(row.text) })));

  it("is English for every English command", async () => {
    const refused = (await guesses(english)).filter(({ guess }) => !guess.isEnglish).map(({ text }) => text);
    // Letters without sense are nobody's language.
    expect(refused.filter((text) => !/lorem|asdf/.test(text))).toEqual([]);
  });

  it("is another for at least 95 in 100 commands of other languages", async () => {
    const taken = (await guesses(others)).filter(({ guess }) => guess.isEnglish).map(({ text }) => text);
    expect(taken.length / others.length, taken.join("; ")).toBeLessThanOrEqual(0.05);
  });

  it("is named right for at least 80 in 100 of them", async () => {
    const wrong = (await guesses(others)).filter(({ language, guess }) => guess.language !== language);
    const said = wrong.map(({ text, guess }) => `${text}: ${guess.language}`).join("; ");
    expect(wrong.length / others.length, said).toBeLessThanOrEqual(0.2);
  });

  it("is English for one word in Latin letters, for numbers and for nothing", async () => {
    for (const text of ["Tasse", "sriracha", "42", "", "!?"])
      expect((await identifyLanguage(text)).isEnglish).toBe(true);
  });
});
