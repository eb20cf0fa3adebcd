import { defineConfig } from "vitest/config";

/** Tests that run a real OpenClaw gateway: some 600 MB a version from npm, and a quarter of an hour. */
// biome-ignore lint/style/noDefaultExport: vitest reads the default export.
export default defineConfig({
  test: {
    setupFiles: ["test/support/exit-on-sigterm.ts"],
    include: ["test/system/*gateway.test.ts"],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    maxWorkers: 1,
  },
});
