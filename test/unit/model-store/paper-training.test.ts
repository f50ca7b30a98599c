import { describe, expect, it } from "vitest";
import { runExport } from "../../support/models.js";

describe("models/training in Python", () => {
  it("trains as the paper does, on tiny data sets of each layout", () => {
    expect(runExport("unittest", ["training.paper.test_paper"])).toMatch(/\nOK\s*$/);
  }, 900_000);
});
