import { expect, test } from "vitest";
import { naming, newPerson, newTenant, type TestTenant } from "../../testing/harness.ts";
import { issueKey, programWith } from "../../testing/keys.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { indexOf, joinTenant, placeInAccount } from "../../testing/rows.ts";
import { exported, nameOf } from "./exported.ts";

const erase = ({ owner }: Pick<TestTenant, "owner">, id: string) =>
  owner.call(`/api/v1/users/${id}/erasure`, { method: "POST" });

test("of an erased person nothing personal is left but what the log cannot forget", async () => {
  const tenant = await newTenant();
  const person = newPerson();
  const member = await joinTenant(tenant, person);
  await member.call("/api/v1/users/me/profile", {
    method: "PATCH",
    body: { bio: "Plays the viola" },
  });
  await placeInAccount(tenant.db, tenant.accountId, member.userId, "ADMIN");
  const inAccount = naming(member, { "account-id": tenant.accountId });
  const { key } = await issueKey(inAccount, { scopes: [] });
  expect(await indexOf(tenant, person)).toHaveLength(1);

  expect((await erase(tenant, member.userId)).status).toBe(204);
  expect((await member.call("/api/v1/users/me")).status).toBe(403);
  expect((await programWith(key).call("/api/v1/users/me")).status).toBe(401);
  expect(await indexOf(tenant, person)).toEqual([]);
  for (const each of exported.filter((one) => nameOf(one) !== "audit_logs")) {
    const text = JSON.stringify(await rowsOf(tenant.db, `select * from ${nameOf(each)}`));
    for (const personal of [person.email, person.subject, "viola"])
      expect(text, nameOf(each)).not.toContain(personal);
  }
  const [row] = await rowsOf(tenant.db, `select * from users where id = '${member.userId}'`);
  expect(row).toMatchObject({ name: "Erased", email: `${member.userId}@erased.invalid` });
  expect((await erase(tenant, member.userId)).status).toBe(204);
});

test("the last owner is not erased, nor somebody of no tenant, nor by those who rank below", async () => {
  const tenant = await newTenant();
  const admin = await tenant.member({ tenantRole: "admin" });
  const { owner } = tenant;
  expect(await erase(tenant, owner.userId)).toMatchObject({
    status: 409,
    body: { code: "last_owner" },
  });
  const byAdmin = await admin.call(`/api/v1/users/${owner.userId}/erasure`, { method: "POST" });
  expect(byAdmin).toMatchObject({ status: 403, body: { code: "forbidden" } });
  const other = await newTenant();
  expect((await erase(tenant, other.owner.userId)).status).toBe(404);
  expect((await other.owner.call("/api/v1/users/me")).status).toBe(200);
  expect((await owner.call("/api/v1/users/me")).status).toBe(200);
});
