// Mutation tests of what must not be subtly wrong: npm run mutation. Takes a quarter of an hour on two cores; not part of npm test.
export default {
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  plugins: ["@stryker-mutator/vitest-runner"],
  mutate: [
    "src/geometry/*.ts",
    "src/grounding/hifics/instances.ts",
    "src/arm/{supervisor,supervisor-limits,teleop,trajectory}.ts",
    "!src/**/index.ts",
  ],
  // Whether a text reads well is not a test's to say; every code and every decision is.
  mutator: { excludedMutations: ["StringLiteral"] },
  ignoreStatic: true,
  coverageAnalysis: "perTest",
  concurrency: 2,
  timeoutMS: 4_000,
  incremental: true,
  incrementalFile: ".cache/mutation/incremental.json",
  tempDirName: ".cache/mutation/sandbox",
  ignorePatterns: ["dist", "docs", "demo", "models", "interfaces", "launch", ".cache", "out", "scripts"],
  reporters: ["clear-text", "json"],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  jsonReporter: { fileName: ".cache/mutation/mutation.json" },
  thresholds: { high: 90, low: 80, break: 80 },
  disableTypeChecks: true,
  allowEmpty: false,
};
