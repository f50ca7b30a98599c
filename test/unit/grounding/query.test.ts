import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GraspGroundingError } from "../../../src/errors/index.js";
import { cleanQuery, maxQueryLength } from "../../../src/grounding/index.js";

describe("queries", () => {
  it("collapses white space and composes accents", () => {
    expect(cleanQuery("  the\tred \n mug ")).toBe("the red mug");
    expect(cleanQuery("cafe\u0301")).toBe("caf\u00e9");
  });

  it.each([
    ["", "QUERY_EMPTY"],
    [" \n\t ", "QUERY_EMPTY"],
    ["x".repeat(maxQueryLength + 1), "QUERY_TOO_LONG"],
    ["red\u0000mug", "QUERY_CONTROL"],
    ["red\u001b[31mmug", "QUERY_CONTROL"],
    ["\u202egum der", "QUERY_CONTROL"],
    ["\ud800 mug", "QUERY_CONTROL"],
  ])("refuses %j", (text, code) => {
    expect(() => cleanQuery(text)).toThrowError(expect.objectContaining({ code }));
  });

  it("for any text either refuses with a code or gives clean text that stays as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 600 }), (text) => {
        try {
          const clean = cleanQuery(text);
          expect(cleanQuery(clean)).toBe(clean);
          expect(clean).not.toMatch(/[\u0000-\u001f\u007f]/);
        } catch (error) {
          expect(error).toBeInstanceOf(GraspGroundingError);
        }
      }),
    );
  });
});
