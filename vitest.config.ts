import { defineConfig } from "vitest/config";

/** One file or browser or node at a time: they share the machine's cores, its loopback and its clock. */
const oneAtATime = { pool: "forks", fileParallelism: false, maxWorkers: 1 } as const;
const setupFiles = ["test/support/child-coverage.ts"];

/** The suites; each is named by --project. `npm run test:ros` gives `ros` its environment, `npm run test:chaos` and `npm run soak` give theirs their length. */
export default defineConfig({
  test: {
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/**/index.ts"] },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{unit,docs,fuzz,repository}/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 180_000,
          setupFiles,
          pool: "forks",
          maxWorkers: 2,
        },
      },
      {
        test: {
          name: "ros",
          include: ["test/ros/**/*.test.ts"],
          globalSetup: ["test/ros/support/build.ts"],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          setupFiles,
          ...oneAtATime,
        },
      },
      {
        // What takes minutes by itself: `npm run test:long`.
        test: {
          name: "long",
          include: ["test/long/**/*.test.ts"],
          globalSetup: ["test/ros/support/build.ts"],
          testTimeout: 1_800_000,
          hookTimeout: 600_000,
          setupFiles,
          ...oneAtATime,
        },
      },
      {
        test: {
          name: "chaos",
          include: ["test/chaos/**/*.test.ts"],
          globalSetup: ["test/ros/support/build.ts"],
          testTimeout: 12 * 3_600_000,
          hookTimeout: 300_000,
          ...oneAtATime,
        },
      },
      {
        test: {
          name: "console",
          include: ["test/console/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          setupFiles,
          ...oneAtATime,
        },
      },
      {
        test: {
          name: "soak",
          include: ["test/soak/**/*.test.ts"],
          testTimeout: 3 * 3_600_000,
          hookTimeout: 300_000,
          ...oneAtATime,
        },
      },
    ],
  },
});
