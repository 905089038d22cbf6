// npm run openapi [-- --check]: the routes → openapi.json, the document that client generators read.
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createApp } from "../src/app.ts";
import { openapiDocument } from "../src/http/document.ts";

const file = "openapi.json";
const tenantHeader = "X-Tenant-ID";
// Of what the app is wired to, the routes ask only this before a request comes.
const ports = { tenancy: { headerName: tenantHeader } } as Parameters<typeof createApp>[0]["ports"];

const app = createApp({
  ports,
  limits: { timeoutMs: 0, writers: 0, fetch },
  cors: { origins: [], credentials: false },
  docs: { title: "Tenantry", openapi: "", docs: "", redoc: "" },
});
const text = `${JSON.stringify(openapiDocument(app, "Tenantry", tenantHeader), null, 2)}\n`;

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
if (!values.check) writeFileSync(file, text);
else if (text !== committed()) {
  console.error(`${file} is not what the routes say: run npm run openapi and commit it.`);
  process.exitCode = 1;
}

function committed(): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
