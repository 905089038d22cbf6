import { defineConfig } from "vitest/config";

/** CI also reads the outcome from a file. */
const reporters = process.env["CI"]
  ? ["default", ["json", { outputFile: ".tmp/tests.json" }]]
  : ["default"];

export default defineConfig({
  test: {
    reporters: reporters as ["default"],
    projects: [
      {
        test: { name: "unit", include: ["src/**/*.unit.test.ts", "scripts/**/*.unit.test.ts"] },
      },
      {
        test: {
          name: "http",
          include: ["src/**/*.test.ts", "scripts/**/*.test.ts"],
          exclude: ["src/**/*.unit.test.ts", "scripts/**/*.unit.test.ts"],
          globalSetup: ["src/testing/stack.ts"],
          isolate: false,
          maxWorkers: 3,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
