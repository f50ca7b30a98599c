import { configDefaults, defineConfig } from "vitest/config";

/** One file or browser or node at a time: they share the machine's cores, its loopback and its clock. */
const oneAtATime = { pool: "forks", fileParallelism: false, maxWorkers: 1 } as const;
/**
 * What takes long by itself, or tests a part that few changes reach: `npm test` leaves these files to `npm run test:long`.
 * A file named on the command line runs in any case.
 */
const long = {
  unit: [
    "test/docs/commands.test.ts",
    "test/docs/site.test.ts",
    "test/fuzz/*.test.ts",
    "test/repository/deb.test.ts",
    "test/unit/arm/attempts.test.ts",
    "test/unit/bags/damage-kinds.test.ts",
    "test/unit/calibration/detection.test.ts",
    "test/unit/cli/bench.test.ts",
    "test/unit/cli/calibrate.test.ts",
    "test/unit/cli/families.test.ts",
    "test/unit/cli/import-grasp.test.ts",
    "test/unit/cli/models.test.ts",
    "test/unit/cli/replay.test.ts",
    "test/unit/console/motion.test.ts",
    "test/unit/grasping/learned.test.ts",
    "test/unit/grasping/synthetic.test.ts",
    "test/unit/grounding/families/parity.test.ts",
    "test/unit/grounding/parity.test.ts",
    "test/unit/grounding/proposals.test.ts",
    "test/unit/inference/event-loop.test.ts",
    "test/unit/inference/graph-backends.test.ts",
    "test/unit/inference/oip.test.ts",
    "test/unit/inference/shared-memory.test.ts",
    "test/unit/inference/zmq.test.ts",
    "test/unit/inference/zmq-hostile.test.ts",
    "test/unit/model-store/paper-training.test.ts",
    "test/unit/model-store/python-environment.test.ts",
  ],
  console: ["abuse", "access", "arm", "families", "live", "motion", "operator"].map(
    (name) => `test/console/${name}.test.ts`,
  ),
  // Every file but these.
  ros: ["test/ros/!(interfaces|lifecycle|parameters|requests|topics).test.ts", "test/ros/*/**/*.test.ts"],
};

/** The part of a suite that GRASP_GROUNDING_TESTS names; all of it without. */
function files(include: string[], longOnes: string[]) {
  const part = process.env.GRASP_GROUNDING_TESTS;
  if (part === "short") return { include, exclude: [...configDefaults.exclude, ...longOnes] };
  return { include: part === "long" ? longOnes : include };
}

const setupFiles = ["test/support/child-coverage.ts"];
/** Limits of time tell that something hangs, and nothing else: on a busy machine all takes long. */
const patience = { expect: { poll: { timeout: 60_000 } } } as const;

/** The suites; each is named by --project. `npm run test:ros` gives `ros` its environment, `npm run test:chaos` and `npm run soak` give theirs their length. */
export default defineConfig({
  test: {
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/**/index.ts"] },
    projects: [
      {
        test: {
          ...patience,
          name: "unit",
          ...files(["test/{unit,docs,fuzz,repository}/**/*.test.ts"], long.unit),
          testTimeout: 300_000,
          hookTimeout: 600_000,
          setupFiles,
          pool: "forks",
          maxWorkers: 2,
        },
      },
      {
        test: {
          ...patience,
          name: "ros",
          ...files(["test/ros/**/*.test.ts"], long.ros),
          globalSetup: ["test/ros/support/build.ts"],
          testTimeout: 400_000,
          hookTimeout: 600_000,
          setupFiles,
          ...oneAtATime,
        },
      },
      {
        // What takes minutes by itself: one file of it by `npm run test:long`, all by `npm run test:long -- long`.
        test: {
          ...patience,
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
          ...patience,
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
          ...patience,
          name: "console",
          ...files(["test/console/**/*.test.ts"], long.console),
          testTimeout: 300_000,
          hookTimeout: 600_000,
          setupFiles,
          ...oneAtATime,
        },
      },
      {
        test: {
          ...patience,
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
