import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { assets, copyAssets } from "./assets.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tenantry-assets-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const names = Object.keys(assets);
const writtenAt = () => names.map((name) => statSync(join(folder, name)).mtimeMs);

test("the folder holds every asset, is left alone while it is right, and mended where it is not", () => {
  expect(copyAssets(folder)).toEqual(names);
  expect(readdirSync(folder).sort()).toEqual([...names].sort());
  const before = writtenAt();
  expect(copyAssets(folder)).toEqual([]);
  expect(writtenAt()).toEqual(before);
  writeFileSync(join(folder, "swagger.js"), "alert(1)");
  writeFileSync(join(folder, "left-over.js"), "");
  rmSync(join(folder, "swagger-ui.css"));
  expect(copyAssets(folder)).toEqual(["swagger.js", "swagger-ui.css"]);
  expect(readdirSync(folder).sort()).toEqual([...names].sort());
});

test("no copy asks another host for its maker's logo, and the licences are there", () => {
  copyAssets(folder);
  const text = (name: string) => readFileSync(join(folder, name), "utf8");
  expect(text("redoc.standalone.js")).not.toContain("cdn.redoc.ly");
  expect(text("redoc.LICENSE.txt")).toContain("MIT");
  expect(text("swagger-ui.LICENSE.txt")).toContain("Apache License");
});
