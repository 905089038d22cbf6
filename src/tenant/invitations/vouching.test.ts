import { expect, test } from "vitest";
import type { Answer } from "../../testing/client.ts";
import {
  naming,
  newPerson,
  newTenant,
  type Person,
  type TestTenant,
} from "../../testing/harness.ts";
import { accept, inviteAs, invited } from "../../testing/invitations.ts";
import { keyOf } from "../../testing/keys.ts";
import { invitationToken } from "../../testing/mails.ts";
import { newPlatformAdmin } from "../../testing/operators.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { indexOf, placeAccount, placeInAccount } from "../../testing/rows.ts";

type Caller = Pick<Person, "call">;
const any = { "if-match": "*" };
const outcome = ({ status, body }: Answer) =>
  status < 400 ? `${status}` : `${status} ${body["code"]}`;
const patch = (by: Caller, path: string, body: object) =>
  by.call(`/api/v1${path}`, { method: "PATCH", body, headers: any });
const remove = (by: Caller, path: string) =>
  by.call(`/api/v1${path}`, { method: "DELETE", headers: any });
/** A user is made, and so invited. */
const create = (by: Caller, person: Person, body: object) =>
  by.call("/api/v1/users", {
    method: "POST",
    body: { name: "Guest", email: person.email, ...body },
  });
const seatsOf = async ({ db }: TestTenant, person: Person) =>
  (
    await rowsOf<{ account_id: string; role: string }>(
      db,
      `select m.account_id, m.role from account_members m join user_identities i on i.user_id = m.user_id
        where i.subject = '${person.subject}' order by m.account_id`,
    )
  ).map(({ account_id, role }) => [account_id, role]);

test("seats of a waiting user are handed out only by who could grant every one of them", async () => {
  const acme = await newTenant();
  const other = await placeAccount(acme.db, "Other");
  const boss = await acme.member({ accountRole: "ADMIN" });
  const guest = newPerson();
  await create(acme.owner, guest, { role: "ADMIN", accountIds: [other] });
  const { data } = (await acme.owner.call<{ data: { id: string }[] }>("/api/v1/invitations")).body;
  await remove(acme.owner, `/invitations/${data[0]?.id}`);
  const { answer } = await inviteAs(boss, { email: guest.email, role: "VIEWER" });
  expect(outcome(answer)).toBe("201");
  const token = await invitationToken(guest.email, 2);
  expect(outcome(await accept(guest, token))).toBe("410 invitation_revoked");
  expect(await seatsOf(acme, guest)).toEqual([]);
});

test("a new invitation to the same account replaces the seat that waited there", async () => {
  const acme = await newTenant();
  const guest = newPerson();
  await create(acme.owner, guest, { role: "ADMIN", accountIds: [acme.accountId] });
  const { data } = (await acme.owner.call<{ data: { id: string }[] }>("/api/v1/invitations")).body;
  await remove(acme.owner, `/invitations/${data[0]?.id}`);
  await inviteAs(acme.owner, { email: guest.email, accountId: acme.accountId, role: "VIEWER" });
  const accepted = await accept(guest, await invitationToken(guest.email, 2));
  expect(accepted.body["role"]).toBe("VIEWER");
  expect(await seatsOf(acme, guest)).toEqual([[acme.accountId, "VIEWER"]]);
});

test("an admin who was lowered vouches for no seats in accounts that are not theirs any more", async () => {
  const acme = await newTenant();
  const other = await placeAccount(acme.db, "Other");
  const admin = await acme.member({ tenantRole: "admin", accountRole: "ADMIN" });
  const guest = newPerson();
  await create(admin, guest, { role: "ADMIN", accountIds: [acme.accountId, other] });
  await patch(acme.owner, `/tenant/members/${admin.userId}`, { tenantRole: "member" });
  const token = await invitationToken(guest.email);
  expect(outcome(await accept(guest, token))).toBe("410 invitation_revoked");
});

test("a closed account's ADMIN lets nobody in", async () => {
  const acme = await newTenant();
  const boss = await acme.member({ accountRole: "ADMIN" });
  const guest = newPerson();
  const { token } = await invited(boss, guest);
  const account = `/accounts/${acme.accountId}`;
  await patch(acme.owner, account, { active: false });
  expect(outcome(await accept(guest, token))).toBe("410 invitation_revoked");
  await patch(acme.owner, account, { active: true });
  expect(outcome(await accept(guest, token))).toBe("200");
});

test("who was made an admin while they waited arrives as one, if their inviter may grant that", async () => {
  const acme = await newTenant();
  const boss = await acme.member({ accountRole: "ADMIN" });
  const byOwner = newPerson();
  const byBoss = newPerson();
  for (const [inviter, guest] of [
    [acme.owner, byOwner],
    [boss, byBoss],
  ] as const) {
    const { body } = await create(inviter, guest, { accountIds: [acme.accountId] });
    await patch(acme.owner, `/tenant/members/${body["id"]}`, { tenantRole: "admin" });
  }
  const accepted = await accept(byOwner, await invitationToken(byOwner.email));
  expect(accepted.body["tenantRole"]).toBe("admin");
  expect(await indexOf(acme, byOwner)).toEqual([{ role: "admin", status: "active" }]);
  const refused = await accept(byBoss, await invitationToken(byBoss.email));
  expect(outcome(refused)).toBe("410 invitation_revoked");
});

test("a key planted on somebody deleted, brought back and emptied is worth nothing to whoever becomes them", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ tenantRole: "admin" });
  const second = newPerson();
  const first = await invited(admin, second, { tenantRole: "admin" });
  const { body } = await accept(second, first.token);
  const old = `/users/${body["userId"]}`;
  const planted = await keyOf({
    ...naming(second, { "x-tenant-id": acme.slug }),
    userId: String(body["userId"]),
  });
  expect(outcome(await planted.call("/api/v1/tenant"))).toBe("200");
  await remove(admin, old);
  const again = await inviteAs(admin, { email: second.email, tenantRole: "admin" });
  expect(outcome(again.answer)).toBe("201");
  const back = await accept(second, await invitationToken(second.email, 2));
  await patch(admin, `/users/${back.body["userId"]}`, { email: newPerson().email });
  const restored = await admin.call(`/api/v1${old}/restoration`, { method: "POST" });
  expect(restored.body["status"], "their identity is another's by now").toBe("pending");
  const chief = newPerson();
  await patch(admin, old, { email: chief.email });
  const { token } = await invited(acme.owner, chief, { tenantRole: "owner" });
  expect((await accept(chief, token)).body["tenantRole"]).toBe("owner");
  expect(outcome(await planted.call("/api/v1/tenant/access-grants"))).toBe("401 unauthenticated");
});

test("a session that was ended stays so when its holder is invited anew", async () => {
  const acme = await newTenant();
  const guest = newPerson();
  const there = naming(guest, { "x-tenant-id": acme.slug });
  const { token } = await invited(acme.owner, guest);
  const { body } = await accept(guest, token);
  await there.call("/api/v1/tenant");
  const stolen = await guest.token({ sid: "stolen" });
  const withStolen = naming(there, { authorization: `Bearer ${stolen}` });
  expect(outcome(await withStolen.call("/api/v1/tenant"))).toBe("200");
  await withStolen.call("/api/v1/sessions/current", { method: "DELETE" });
  await remove(acme.owner, `/users/${body["userId"]}`);
  await inviteAs(acme.owner, { email: guest.email });
  const renewed = await accept(guest, await invitationToken(guest.email, 2));
  expect(renewed.body["userId"]).not.toBe(body["userId"]);
  expect(outcome(await there.call("/api/v1/tenant"))).toBe("200");
  expect(outcome(await withStolen.call("/api/v1/tenant"))).toBe("401 session_revoked");
});

test("the tenant's domains bind users made, invitations and resends alike", async () => {
  const acme = await newTenant();
  const early = await inviteAs(acme.owner, { email: newPerson().email });
  await patch(acme.owner, "/tenant/settings", { emailDomains: ["corp.test"] });
  const guest = newPerson();
  const resend = `/api/v1/invitations/${early.id}/resend`;
  const answers = [
    (await inviteAs(acme.owner, { email: guest.email })).answer,
    await create(acme.owner, guest, {}),
    await acme.owner.call(resend, { method: "POST" }),
  ];
  expect(answers.map(outcome)).toEqual(Array(3).fill("403 forbidden"));
  const welcome = (await inviteAs(acme.owner, { email: "ada@corp.test" })).answer;
  expect(outcome(welcome)).toBe("201");
});

test("nobody withdraws an invitation above what they are, by asking for it or in passing", async () => {
  const acme = await newTenant();
  const other = await placeAccount(acme.db, "Other");
  const boss = await acme.member({ accountRole: "ADMIN" });
  const elsewhere = await acme.member();
  await placeInAccount(acme.db, other, elsewhere.userId, "ADMIN");
  const bossOfOther = naming(elsewhere, { "account-id": other });
  const admin = await acme.member({ tenantRole: "admin" });
  const chief = newPerson();
  const { id, token } = await invited(acme.owner, chief, { tenantRole: "owner" });
  expect(outcome(await remove(boss, `/invitations/${id}`))).toBe("403 forbidden");
  expect(outcome(await remove(admin, `/invitations/${id}`))).toBe("403 forbidden");
  expect(outcome(await remove(bossOfOther, `/invitations/${id}`))).toBe("404 not_found");
  for (const who of [bossOfOther, boss])
    expect(outcome(await create(who, chief, {}))).toBe("409 invitation_pending");
  expect(outcome(await accept(chief, token))).toBe("200");
});

test("a key for one account has no say over its owner's invitations to others", async () => {
  const acme = await newTenant();
  const other = await placeAccount(acme.db, "Other");
  const boss = await acme.member({ accountRole: "ADMIN" });
  await placeInAccount(acme.db, other, boss.userId, "ADMIN");
  const inOther = naming(boss, { "account-id": other });
  const { id } = await inviteAs(inOther, { email: newPerson().email });
  const key = await keyOf(boss, { accountId: acme.accountId });
  const path = `/invitations/${id}`;
  expect(outcome(await boss.call(`/api/v1${path}`))).toBe("200");
  expect(outcome(await key.call(`/api/v1${path}`))).toBe("404 not_found");
  expect(outcome(await remove(key, path))).toBe("404 not_found");
  const resend = await key.call(`/api/v1${path}/resend`, { method: "POST" });
  expect(outcome(resend)).toBe("404 not_found");
});

test("whoever is out again does not come back into the index by repeating their acceptance", async () => {
  const acme = await newTenant();
  const guest = newPerson();
  const { token } = await invited(acme.owner, guest, { tenantRole: "admin" });
  const once = { "idempotency-key": "accept-once" };
  const { body } = await accept(guest, token, once);
  await remove(acme.owner, `/tenant/members/${body["userId"]}`);
  expect(await indexOf(acme, guest)).toEqual([]);
  expect(outcome(await accept(guest, token, once))).toBe("200");
  expect(await indexOf(acme, guest)).toEqual([]);
});

test("a token made for another tenant accepts nothing here, and links nothing", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const guest = newPerson();
  const { token } = await invited(acme.owner, guest);
  const bound = await guest.token({ "https://tenantry.dev/tenant_id": globex.slug });
  const there = naming(guest, { authorization: `Bearer ${bound}` });
  expect(outcome(await accept(there, token))).toBe("403 tenant_mismatch");
  const body = { token: bound };
  const path = "/api/v1/users/me/identities";
  const linked = await acme.owner.call(path, { method: "POST", body });
  expect(outcome(linked)).toBe("400 invalid_request");
  expect(outcome(await accept(guest, token))).toBe("200");
});

test("an address is free again when whoever invited it is gone", async () => {
  const acme = await newTenant();
  const boss = await acme.member({ accountRole: "ADMIN" });
  const [one, two] = [newPerson(), newPerson()];
  const { token } = await invited(boss, one);
  await inviteAs(boss, { email: two.email });
  await execute(acme.db, `update users set status = 'suspended' where id = '${boss.userId}'`);
  expect(outcome((await inviteAs(acme.owner, { email: two.email })).answer)).toBe("201");
  await remove(acme.owner, `/users/${boss.userId}`);
  expect(outcome(await accept(one, token))).toBe("410 invitation_revoked");
  expect(outcome((await inviteAs(acme.owner, { email: one.email })).answer)).toBe("201");
});

test("a platform admin lets nobody in again who was kept out", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const grant = { reason: "Looking into ticket 4711", mode: "write" };
  const path = `/api/v1/admin/tenants/${acme.id}/access-grants`;
  expect(outcome(await operator.call(path, { method: "POST", body: grant }))).toBe("201");
  const there = naming(operator, { "x-tenant-id": acme.slug });
  const member = await acme.member({ accountRole: "ADMIN" });
  const user = `/users/${member.userId}`;
  expect(outcome(await patch(there, user, { status: "suspended" }))).toBe("200");
  expect(outcome(await patch(there, user, { status: "active" }))).toBe("403 forbidden");
  const other = `/accounts/${await placeAccount(acme.db, "Other")}`;
  expect(outcome(await patch(there, other, { active: false }))).toBe("200");
  expect(outcome(await patch(there, other, { active: true }))).toBe("403 forbidden");
  expect(outcome(await remove(there, other))).toBe("204");
  const restoration = await there.call(`/api/v1${other}/restoration`, { method: "POST" });
  expect(outcome(restoration)).toBe("403 forbidden");
  expect(outcome(await patch(acme.owner, user, { status: "active" }))).toBe("200");
});
