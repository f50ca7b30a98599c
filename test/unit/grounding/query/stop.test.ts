import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCommand } from "../../../../src/grounding/query/parse/parse.js";
import { isStopOrder } from "../../../../src/grounding/query/parse/stop.js";

interface Row {
  readonly text: string;
  readonly parse: { readonly act: string } | null;
}

const rows = ["dev", "heldout"].flatMap((part) =>
  readFileSync(new URL(`../../../fixtures/language/commands-${part}.jsonl`, import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row),
);

describe("an order to stop, without the tagger", () => {
  it("is known for what it is in the table of commands, and nothing else is", () => {
    expect(rows.filter(({ parse }) => parse?.act === "stop").length).toBeGreaterThan(20);
    const wrong = rows.filter(({ text, parse }) => isStopOrder(text) !== (parse?.act === "stop"));
    expect(wrong.map(({ text }) => text)).toEqual([]);
  });

  it.each([
    "stop",
    "Please stop, robot!",
    "stop and take the mug",
    "don't take the mug",
    "wait",
    "never take the knife",
  ])('"%s" stops', (text) => {
    expect(isStopOrder(text)).toBe(true);
    expect(parseCommand(text)?.act).toBe("stop");
  });

  it.each(["the stop sign", "don't take the knife, take the fork", "not the red mug", "", "x ".repeat(400)])(
    '"%s" does not',
    (text) => expect(isStopOrder(text)).toBe(false),
  );

  it("never throws, and takes no longer than 10 ms for the longest query", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
        isStopOrder(text);
      }),
    );
    for (const text of ["and stop ".repeat(56), "do not ".repeat(73), "please ".repeat(73)]) {
      // The least of several: the processor's time also counts what the engine compiles and collects meanwhile.
      const times = Array.from({ length: 7 }, () => {
        const start = process.cpuUsage();
        isStopOrder(text);
        const { user, system } = process.cpuUsage(start);
        return (user + system) / 1e3;
      });
      expect(Math.min(...times), text.slice(0, 20)).toBeLessThan(10);
    }
  });
});
