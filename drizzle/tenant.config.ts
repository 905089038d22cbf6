import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  casing: "snake_case",
  schema: "./src/tenant/**/*.table.ts",
  out: `${process.env["MIGRATIONS_DIR"] ?? "./drizzle"}/tenant`,
});
