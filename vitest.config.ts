import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/ros/**", "test/console/**", "test/soak/**", "node_modules/**"],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    setupFiles: ["test/support/child-coverage.ts"],
    pool: "forks",
    maxWorkers: 2,
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/**/index.ts"] },
  },
});
