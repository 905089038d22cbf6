import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  casing: "snake_case",
  schema: "./src/registry/**/*.table.ts",
  out: `${process.env["MIGRATIONS_DIR"] ?? "./drizzle"}/registry`,
});
