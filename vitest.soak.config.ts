import { defineConfig } from "vitest/config";

/** The whole under load and faults, for as long as SOAK_MINUTES says: run by `npm run soak`. */
export default defineConfig({
  test: {
    include: ["test/soak/**/*.test.ts"],
    testTimeout: 3 * 3_600_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 1,
  },
});
