import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Nothing that is logged in any test may be a secret.
    setupFiles: ["test/support/whole-log-setup.ts"],
    globalSetup: ["test/support/whole-log-total.ts"],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    // Each file of socket tests runs a server of its own; more at a time than cores only adds noise.
    maxWorkers: 2,
  },
});
