import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    setupFiles: ["test/support/exit-on-sigterm.ts"],
    include: ["test/**/*.test.ts"],
    exclude: ["test/system/**"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});
