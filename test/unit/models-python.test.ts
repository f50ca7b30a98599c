import { describe, expect, it } from "vitest";
import { runExport } from "../support/models.js";

describe("models/export in Python", () => {
  it("passes its own tests: definition against transformers, loading, refusing, writing", () => {
    expect(runExport("unittest", ["export.test_export"])).toMatch(/\nOK\s*$/);
  }, 900_000);

  it("trains as the paper does, on tiny data sets of each layout", () => {
    expect(runExport("unittest", ["training.paper.test_paper"])).toMatch(/\nOK\s*$/);
  }, 900_000);
});
