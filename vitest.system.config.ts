import { defineConfig } from "vitest/config";

/** Tests that need minutes or other programs: packing and installing, a real Prometheus. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    setupFiles: ["test/support/exit-on-sigterm.ts"],
    include: ["test/system/**/*.test.ts"],
    // Those have a config of their own: they take a real OpenClaw and long.
    exclude: ["test/system/*gateway.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    maxWorkers: 1,
    maxConcurrency: 2,
  },
});
