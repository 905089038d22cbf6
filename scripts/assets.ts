// npm run assets: puts the scripts and styles of the docs pages where the Worker serves files from.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { refusal, runProgram } from "./stack/refusal.ts";

const root = join(import.meta.dirname, "..");
const swagger = "node_modules/swagger-ui-dist";
const redoc = "node_modules/redoc";

/** What is served, and the file it is a copy of. Licences travel with what they license. */
export const assets: Readonly<Record<string, string>> = {
  "swagger.js": "scripts/docs/swagger.js",
  "swagger-ui.css": `${swagger}/swagger-ui.css`,
  "swagger-ui-bundle.js": `${swagger}/swagger-ui-bundle.js`,
  "swagger-ui-bundle.js.LICENSE.txt": `${swagger}/swagger-ui-bundle.js.LICENSE.txt`,
  "swagger-ui.LICENSE.txt": `${swagger}/LICENSE`,
  "swagger-ui.NOTICE.txt": `${swagger}/NOTICE`,
  "redoc.standalone.js": `${redoc}/bundles/redoc.standalone.js`,
  "redoc.standalone.js.LICENSE.txt": `${redoc}/bundles/redoc.standalone.js.LICENSE.txt`,
  "redoc.LICENSE.txt": `${redoc}/LICENSE`,
};

/** Redoc shows its maker's logo from another host, which the page's policy forbids and nobody needs. */
const foreignLogo = "https://cdn.redoc.ly/redoc/logo-mini.svg";

/** Makes the folder hold exactly these files, and returns which of them it had to write. */
export function copyAssets(folder = join(root, "public/docs-assets")): string[] {
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder))
    if (!(name in assets)) rmSync(join(folder, name), { recursive: true });
  return Object.entries(assets)
    .filter(([name, source]) => copyIfDifferent(join(root, source), join(folder, name)))
    .map(([name]) => name);
}

/** A running `wrangler dev` reloads on every write, so an equal file is left alone. */
function copyIfDifferent(source: string, target: string): boolean {
  if (!existsSync(source)) throw refusal(`${source} is missing: run npm ci.`);
  const content = readFileSync(source, "utf8").replaceAll(foreignLogo, "data:,");
  if (existsSync(target) && readFileSync(target, "utf8") === content) return false;
  writeFileSync(target, content);
  return true;
}

if (import.meta.main)
  await runProgram(async () => {
    const written = copyAssets();
    console.log(written.length ? `Wrote ${written.join(", ")}.` : "The assets are up to date.");
  });
