import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    // Each file of socket tests runs a server of its own; more at a time than cores only adds noise.
    maxWorkers: 2,
  },
});
