import { describe, expect, it } from "vitest";
import { runExport } from "../support/models.js";

describe("models/export in Python", () => {
  it("passes its own tests: definition against transformers, loading, refusing, writing", () => {
    expect(runExport("unittest", ["export.test_export"])).toMatch(/\nOK\s*$/);
  }, 900_000);
});
