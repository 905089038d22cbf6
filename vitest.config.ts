import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/{core,db,http}/**/*.test.ts", "src/*.test.ts"],
          exclude: ["src/contract.test.ts"],
        },
      },
      {
        test: {
          name: "http",
          include: ["src/{tenant,registry,testing}/**/*.test.ts", "src/contract.test.ts"],
          globalSetup: ["src/testing/stack.ts"],
          isolate: false,
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
