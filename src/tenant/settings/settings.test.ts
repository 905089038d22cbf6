import { expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { newTenant, type TestTenant } from "../../testing/harness.ts";
import { auditOf } from "../../testing/rows.ts";
import type { TenantSettings } from "./settings.schema.ts";

const path = "/api/v1/tenant/settings";
const change = ({ owner }: Pick<TestTenant, "owner">, body: object, tag: string | undefined) =>
  owner.call<TenantSettings & Problem>(path, {
    method: "PATCH",
    body,
    headers: { "if-match": tag },
  });

test("settings begin empty, are everybody's to read and merged by those who rule the tenant", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const first = await member.call<TenantSettings>(path);
  expect(first).toMatchObject({ status: 200, body: { settings: {}, version: 1 } });
  const tag = first.headers["etag"];
  const set = await change(
    acme,
    { locale: "de-CH", invitationDays: 3, primaryColor: "#0a7d4f" },
    tag,
  );
  expect(set).toMatchObject({ status: 200, body: { version: 2 } });
  const merged = await change(
    acme,
    { invitationDays: null, emailDomains: ["acme.test"] },
    set.headers["etag"],
  );
  expect(merged.body.settings).toEqual({
    locale: "de-CH",
    primaryColor: "#0a7d4f",
    emailDomains: ["acme.test"],
  });
  expect((await member.call<TenantSettings>(path)).body).toEqual(merged.body);
  const boss = await acme.member({ accountRole: "ADMIN" });
  expect((await change({ owner: boss }, { locale: "fr" }, "*")).status).toBe(403);
  const [entry] = await auditOf(acme.owner, { entity: "settings", action: "UPDATE" });
  expect(entry).toMatchObject({ actorId: acme.owner.userId });
});

test("a change must say what it is based on, and that must be current", async () => {
  const acme = await newTenant();
  const bare = await change(acme, { locale: "fr" }, undefined);
  expect([bare.status, bare.body.code]).toEqual([428, "precondition_required"]);
  await change(acme, { locale: "fr" }, "*");
  const stale = await change(acme, { locale: "de" }, `"${acme.id}.1"`);
  expect([stale.status, stale.body.code]).toEqual([412, "precondition_failed"]);
  expect((await acme.owner.call<TenantSettings>(path)).body.settings).toEqual({ locale: "fr" });
});

test("of 20 changes based on one version one holds", async () => {
  const acme = await newTenant();
  const tag = `"${acme.id}.1"`;
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => change(acme, { invitationDays: i + 1 }, tag)),
  );
  const won = answers.filter(({ status }) => status === 200);
  expect(won).toHaveLength(1);
  expect((await acme.owner.call<TenantSettings>(path)).body).toEqual(won[0]?.body);
});

test.each([
  ["locale", "deutsch"],
  ["timeZone", "CET+1"],
  ["contactEmail", "nobody"],
  ["logoUrl", "http://plain.test/logo.png"],
  ["logoUrl", "javascript:alert(1)"],
  ["primaryColor", "red"],
  ["invitationDays", 0],
  ["invitationDays", 31],
  ["invitationDays", "7"],
  ["emailDomains", ["not a domain"]],
  ["emailDomains", Array.from({ length: 51 }, (_, i) => `d${i}.test`)],
  ["__proto__", { admin: true }],
  ["anything", "else"],
])("the setting %s is not %j", async (name, value) => {
  const acme = await newTenant();
  const body = JSON.parse(`{"${name}":${JSON.stringify(value)}}`) as object;
  const { status, body: problem } = await change(acme, body, "*");
  expect([status, problem.code]).toEqual([400, "invalid_request"]);
  expect((await acme.owner.call<TenantSettings>(path)).body).toMatchObject({
    settings: {},
    version: 1,
  });
});
