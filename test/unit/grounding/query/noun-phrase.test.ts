import { expect, it } from "vitest";
import { isOpen } from "../../../../src/grounding/query/ambiguity.js";
import { nounParts } from "../../../../src/grounding/query/parse/noun-phrase.js";
import { readWords } from "../../../../src/grounding/query/parse/parse.js";
import { planTarget } from "../../../../src/grounding/query/plan.js";

it.each([
  ["the pair of scissors", "", "pair of scissors"],
  ["the small blue box of tissues", "small blue", "box of tissues"],
  ["the roll of tape on the left", "", "roll of tape"],
  ["the mug of coffee", "", "mug"],
  ["the big toy airplane", "big", "toy airplane"],
])("the noun of %s", (phrase, modifiers, singular) => {
  expect(nounParts(readWords(phrase))).toMatchObject({ modifiers, singular, plural: false });
});

it.each([
  ["the mug", true],
  ["the pair of scissors", true],
  ["the red box of tissues", true],
  ["the mug of coffee", false],
  ["the roll of tape on the left", false],
  ["the biggest roll of tape", false],
])("whether several objects could fit %s: %s", (phrase, open) => {
  expect(isOpen(planTarget({ phrase, count: 1 }))).toBe(open);
});

it("all objects of a kind are asked for by the name's own plural", () => {
  expect(planTarget({ phrase: "the pair of scissors", count: 1 }).kinds).toEqual([
    "all the pairs of scissors",
    "every pair of scissors",
  ]);
});
