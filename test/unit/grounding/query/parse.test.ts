import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCommand } from "../../../../src/grounding/query/parse/parse.js";
import { processorMs } from "../../../support/busy.js";

interface Row {
  readonly text: string;
  readonly parse: unknown;
}

const read = (part: string): readonly Row[] =>
  readFileSync(new URL(`../../../fixtures/language/commands-${part}.jsonl`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);

/** Texts whose parse differs from what the table says, with both. */
const wrong = (rows: readonly Row[]) =>
  rows
    .map(({ text, parse }) => ({ text, want: parse, got: parseCommand(text) ?? null }))
    .filter(({ want, got }) => {
      try {
        expect(got).toEqual(want);
        return false;
      } catch {
        return true;
      }
    });

describe("commands of people", () => {
  const dev = read("dev");
  const heldOut = read("heldout");

  it("are at least 400", () => {
    expect(dev.length + heldOut.length).toBeGreaterThanOrEqual(400);
    expect(new Set([...dev, ...heldOut].map(({ text }) => text)).size).toBe(dev.length + heldOut.length);
  });

  it.each(["dev", "heldout"])("are parsed exactly, at least 95 in 100 of part %s", (part) => {
    const rows = part === "dev" ? dev : heldOut;
    const misses = wrong(rows);
    const share = 1 - misses.length / rows.length;
    expect(share, JSON.stringify(misses, undefined, 1)).toBeGreaterThanOrEqual(0.95);
  });

  it("take at most 2 ms in the median", () => {
    parseCommand("the red mug");
    const times = [...dev, ...heldOut].map(({ text }) => {
      const start = performance.now();
      parseCommand(text);
      return performance.now() - start;
    });
    const median = times.sort((a, b) => a - b)[times.length >> 1]!;
    expect(median).toBeLessThanOrEqual(2);
  });
});

describe("a parser of commands", () => {
  const vocabulary = [...new Set(read("dev").flatMap(({ text }) => text.split(" ")))];

  it("never throws on what anybody types", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 500 }), (text) => {
        parseCommand(text);
      }),
      { numRuns: 500 },
    );
  });

  it("never throws on words of commands in any order, and names nothing that was not said", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...vocabulary, ",", "and", "not", "between"), { maxLength: 40 }),
        (words) => {
          const command = parseCommand(words.join(" "));
          if (command === undefined) return;
          expect(["find", "pick", "place", "pick-and-place", "stop", "undo"]).toContain(command.act);
          for (const target of command.targets) expect(target.phrase).not.toBe("");
          JSON.stringify(command);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("takes no longer than 100 ms for the longest query", () => {
    for (const text of [
      "a ".repeat(250),
      "and the mug ".repeat(41),
      "not ".repeat(125),
      "between and ".repeat(41),
    ]) {
      const start = processorMs();
      parseCommand(text.slice(0, 500));
      expect(processorMs() - start, text.slice(0, 20)).toBeLessThan(100);
    }
  });

  it("leaves words of prototypes alone", () => {
    expect(() => parseCommand("constructor __proto__ toString the valueOf")).not.toThrow();
  });
});
