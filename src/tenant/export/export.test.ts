import { expect, test } from "vitest";
import { digestAfter, noRows } from "../../core/row-digest.ts";
import { newTenant } from "../../testing/harness.ts";
import { issueKey } from "../../testing/keys.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { placeUsers } from "../../testing/rows.ts";
import { newSeenTenant } from "../../testing/sealing.ts";
import { exported, nameOf } from "./exported.ts";

type Manifest = { tables: { name: string; rows: number; digest: string }[] };

/** What does not leave the house: what makes keys of no use elsewhere, and what is only ours. */
const kept = ["__drizzle_migrations", "audit_context", "audit_links", "idempotency_keys"];

test("an export holds every row of every table, and says at the end what it held", async () => {
  const tenant = await newSeenTenant();
  await placeUsers(
    tenant.db,
    Array.from({ length: 1200 }, (_, i) => ({ name: `Person ${i}` })),
  );
  const { status, body } = await tenant.owner.call<string>("/api/v1/tenant/export");
  expect(status).toBe(200);
  const lines = body.trimEnd().split("\n");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ format: 1, tenantId: tenant.id });
  const { manifest } = JSON.parse(lines.at(-1) ?? "") as { manifest: Manifest };
  for (const { name, rows, digest } of manifest.tables) {
    const prefix = `{"table":"${name}","row":`;
    const mine = lines.filter((line) => line.startsWith(prefix));
    expect(mine.length, name).toBe(rows);
    const texts = mine.map((line) => line.slice(prefix.length, -1));
    expect(texts.reduce(digestAfter, noRows), name).toBe(digest);
    const [counted] = await rowsOf<{ n: number }>(tenant.db, `select count(*) as n from ${name}`);
    expect(rows, name).toBe(counted?.n);
  }
  expect(lines.length).toBe(2 + manifest.tables.reduce((sum, { rows }) => sum + rows, 0));
});

test("every table of a tenant is exported, or is known not to be", async () => {
  const { db } = await newTenant();
  const tables = await rowsOf<{ name: string }>(
    db,
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like 'libsql_%'",
  );
  expect([...exported.map(nameOf), ...kept].sort()).toEqual(tables.map(({ name }) => name).sort());
});

test("nothing in an export would let somebody in", async () => {
  const tenant = await newSeenTenant();
  const { owner } = tenant;
  const { key } = await issueKey(owner, { scopes: ["VIEW_ALL_USERS"] });
  await owner.call("/api/v1/invitations", { method: "POST", body: { email: "guest@acme.test" } });
  const secrets = await rowsOf<{ secret: string }>(
    tenant.db,
    `select hash as secret from api_keys union select token_hash from invitations
      union select sid from user_sessions`,
  );
  expect(secrets.length).toBe(3);
  const paths = ["/tenant/export", "/users/me/export", `/users/${owner.userId}/export`];
  for (const path of paths) {
    const { status, body } = await owner.call<unknown>(`/api/v1${path}`);
    const text = JSON.stringify(body);
    expect(status, path).toBe(200);
    expect(text, path).not.toContain(key);
    // The provider's name for a person, which the tests use as the session's too, is not a secret.
    for (const { secret } of secrets)
      if (!secret.startsWith("auth0|")) expect(text, path).not.toContain(secret);
    expect(text, path).not.toContain("sid");
  }
});
