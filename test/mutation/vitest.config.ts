import { defineConfig } from "vitest/config";

/** The tests that mutants have to get past: those of the mutated files that are quick and call nothing outside Node. */
export default defineConfig({
  test: {
    include: [
      "test/unit/geometry/*.test.ts",
      "test/unit/grounding/instances.test.ts",
      "test/unit/arm/supervisor.test.ts",
      "test/unit/arm/limits.test.ts",
    ],
    exclude: ["test/unit/geometry/reference.test.ts"],
    testTimeout: 60_000,
    pool: "threads",
  },
});
