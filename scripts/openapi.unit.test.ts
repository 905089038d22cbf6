import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const script = join(import.meta.dirname, "openapi.ts");

test("a document that is not what the routes say fails the check with one sentence", {
  timeout: 60_000,
}, () => {
  const cwd = mkdtempSync(join(tmpdir(), "tenantry-openapi-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const run = (...args: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [script, ...args], {
      cwd,
      encoding: "utf8",
    });
    return [status, stderr];
  };
  const sentence = "openapi.json is not what the routes say: run npm run openapi and commit it.\n";
  expect(run()).toEqual([0, ""]);
  expect(run("--check")).toEqual([0, ""]);

  const file = join(cwd, "openapi.json");
  const text = readFileSync(file, "utf8");
  expect(text).toMatch(/^{\n {2}"openapi": "3\.1\.0",[\s\S]*\n}\n$/);
  writeFileSync(file, text.replace('"listUsers"', '"allUsers"'));
  expect(run("--check")).toEqual([1, sentence]);
  expect(readFileSync(file, "utf8")).toContain('"allUsers"');
});
