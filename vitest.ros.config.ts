import { defineConfig } from "vitest/config";

/** Tests over real DDS: run by `npm run test:ros`, which gives them the environment `npm run ros:setup` made. */
export default defineConfig({
  test: {
    include: ["test/ros/**/*.test.ts"],
    globalSetup: ["test/ros/support/build.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    setupFiles: ["test/support/child-coverage.ts"],
    pool: "forks",
    // Nodes share the machine's cores and its loopback: one at a time.
    fileParallelism: false,
    maxWorkers: 1,
  },
});
