import { defineConfig } from "vitest/config";

/** The console in a real browser (Debian's chromium), against the program as `npm test` has just built it. */
export default defineConfig({
  test: {
    include: ["test/console/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    setupFiles: ["test/support/child-coverage.ts"],
    pool: "forks",
    // One browser at a time: its timings are measured.
    fileParallelism: false,
    maxWorkers: 1,
  },
});
