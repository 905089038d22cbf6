// npm run -s token: prints an access token for a person of the running local stack.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readArguments } from "./stack/arguments.ts";
import { refusal, runProgram } from "./stack/refusal.ts";
import { requestToken } from "./stack/request-token.ts";
import type { Stack } from "./stack/summary.ts";

const usage =
  "npm run -s token -- --as owner@acme.test [--tenant acme] [--ttl 1h] [--claim name=value]... [--data .data]";

const seconds: Record<string, number> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };

function readDuration(text: string): number {
  const [, count, unit = ""] = /^(-?\d{1,9})([smhd]?)$/.exec(text) ?? [];
  if (count === undefined)
    throw refusal(
      `--ttl ${text} is no duration: write 90, 30s, 15m, 1h, 2d, or any of them below zero.`,
    );
  return Number(count) * (seconds[unit] ?? 1);
}

function readClaim(text: string): [string, unknown] {
  const split = text.indexOf("=");
  if (split < 1) throw refusal(`--claim ${text} is not of the form name=value.`);
  const value = text.slice(split + 1);
  try {
    return [text.slice(0, split), JSON.parse(value)];
  } catch {
    return [text.slice(0, split), value];
  }
}

function findStack(dataDir: string): Stack {
  const path = join(dataDir, "stack.json");
  if (!existsSync(path)) throw refusal(`No stack runs on ${dataDir}: start it with npm run dev.`);
  return JSON.parse(readFileSync(path, "utf8")) as Stack;
}

await runProgram(async () => {
  const options = readArguments(
    {
      as: { type: "string" },
      tenant: { type: "string" },
      ttl: { type: "string", default: "1h" },
      claim: { type: "string", multiple: true, default: [] },
      data: { type: "string", default: ".data" },
    },
    usage,
  );
  if (!options.as) throw refusal(`--as is missing: whose token? Usage: ${usage}`);
  const stack = findStack(options.data);
  const known = stack.tenants.find(({ slug }) => slug === options.tenant);
  const token = await requestToken(stack, {
    person: options.as,
    tenant: known?.id ?? options.tenant,
    ttl: readDuration(options.ttl),
    claims: Object.fromEntries(options.claim.map(readClaim)),
  });
  console.log(token);
});
