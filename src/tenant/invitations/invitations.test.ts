import { expect, test } from "vitest";
import { permissions } from "../../core/permissions.ts";
import { accountRoles, tenantRoles } from "../../core/roles.ts";
import { codeOf } from "../../testing/client.ts";
import { naming, newPerson, newTenant, type TestTenant } from "../../testing/harness.ts";
import { inviteAs, type Sent } from "../../testing/invitations.ts";
import { issueKey, programWith } from "../../testing/keys.ts";
import { invitationToken, mailsTo } from "../../testing/mails.ts";
import { execute } from "../../testing/raw-sql.ts";
import { auditOf, placeAccount, placeInAccount, placeUsers } from "../../testing/rows.ts";
import type { Invitation } from "./invitations.schema.ts";

const path = "/api/v1/invitations";
const post = { method: "POST" };
const get = async ({ owner }: TestTenant, { id }: Sent) =>
  (await owner.call<Invitation>(`${path}/${id}`)).body;

test("an invitation is pending until somebody accepts it, and its mail says who, whereto and until when", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { answer, id } = await inviteAs(acme.owner, { email: ada.email, name: "Ada" });
  expect(answer).toMatchObject({
    status: 201,
    headers: { location: `${path}/${id}` },
    body: {
      email: ada.email,
      name: "Ada",
      tenantRole: "member",
      accountId: acme.accountId,
      role: "VIEWER",
      userId: null,
      inviterId: acme.owner.userId,
      state: "pending",
      sentAt: null,
      acceptedAt: null,
    },
  });
  const token = await invitationToken(ada.email);
  const [mail] = mailsTo(ada.email);
  expect(mail?.subject).toBe(`Test Person invites you to Tenant ${acme.slug}`);
  expect(mail?.text).toContain("Hello Ada,");
  expect(mail?.text).toContain(`http://localhost:3000/invitations/accept#token=${token}`);
  expect(mail?.text).toContain(ada.email);
  await expect.poll(async () => (await get(acme, { id })).sentAt).toEqual(expect.any(String));
  const week = Date.parse((await get(acme, { id })).expiresAt) - Date.now();
  expect(Math.round(week / 864e5)).toBe(7);
});

test("neither an answer, a row nor the log holds what is in the link", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { answer, id } = await inviteAs(acme.owner, { email: ada.email });
  const token = await invitationToken(ada.email);
  const rows = await acme.db.all("select * from invitations");
  const log = await auditOf(acme.owner, { entity: "invitations" });
  expect(log[0]?.changes["token_hash"]).toEqual({ old: null, new: "[redacted]" });
  const everything = JSON.stringify([answer, rows, log, await get(acme, { id })]);
  expect(everything).not.toContain(token);
});

test("an address is invited once at a time, and again after it was revoked or has expired", async () => {
  const acme = await newTenant();
  const { email } = newPerson();
  const first = await inviteAs(acme.owner, { email });
  const invite = () => inviteAs(acme.owner, { email });
  expect(codeOf((await invite()).answer)).toBe("409 invitation_pending");
  expect((await acme.owner.call(`${path}/${first.id}`, { method: "DELETE" })).status).toBe(204);
  const second = await invite();
  expect(second.answer.status).toBe(201);
  await execute(acme.db, `update invitations set expires_at = 1 where id = '${second.id}'`);
  expect((await get(acme, second)).state).toBe("expired");
  const third = await invite();
  expect(third.answer.status).toBe(201);
  const states = async ({ id }: Sent) => (await get(acme, { id })).state;
  expect([await states(first), await states(second), await states(third)]).toEqual([
    "revoked",
    "expired",
    "pending",
  ]);
});

test("of 20 invitations of one address at once one is made", async () => {
  const acme = await newTenant();
  const { email } = newPerson();
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => inviteAs(acme.owner, { email })),
  );
  const counts = Object.groupBy(answers, ({ answer }) => codeOf(answer));
  expect(counts["201"]).toHaveLength(1);
  expect(counts["409 invitation_pending"]).toHaveLength(19);
  await invitationToken(email, 1);
});

test("who is in already is not invited, and whether an address is anywhere else never shows", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const member = await acme.member();
  const [suspended = ""] = await placeUsers(acme.db, [{ status: "suspended" }]);
  const invite = async (email: string) => (await inviteAs(acme.owner, { email })).answer;
  expect(codeOf(await invite(member.email))).toBe("409 already_member");
  expect(codeOf(await invite(member.email.toUpperCase()))).toBe("409 already_member");
  expect(codeOf(await invite(`${suspended}@rows.test`))).toBe("409 already_member");

  const { id, email, createdAt, expiresAt, ...elsewhere } = (await invite(globex.owner.email)).body;
  const {
    id: _,
    email: __,
    createdAt: ___,
    expiresAt: ____,
    ...nowhere
  } = (await invite(newPerson().email)).body;
  expect(elsewhere).toEqual(nowhere);
});

test("nobody invites above what they are", async () => {
  const acme = await newTenant();
  const people = {
    owner: acme.owner,
    admin: await acme.member({ tenantRole: "admin" }),
    ADMIN: await acme.member({ accountRole: "ADMIN" }),
  };
  const open: Record<string, readonly string[]> = {
    owner: ["owner", "admin", "member"],
    admin: ["admin", "member"],
    ADMIN: ["member"],
  };
  for (const [title, person] of Object.entries(people))
    for (const tenantRole of tenantRoles) {
      const { answer } = await inviteAs(person, { email: newPerson().email, tenantRole });
      expect(`${title} ${tenantRole} ${codeOf(answer)}`).toBe(
        `${title} ${tenantRole} ${open[title]?.includes(tenantRole) ? "201" : "403 forbidden"}`,
      );
    }
});

test("an ADMIN invites into their own account and no other, and sees no more than that", async () => {
  const acme = await newTenant();
  const branch = await placeAccount(acme.db, "Branch");
  const boss = await acme.member();
  await placeInAccount(acme.db, branch, boss.userId, "ADMIN");
  const inBranch = naming(boss, { "account-id": branch });
  const invite = async (accountId: string | undefined) =>
    (await inviteAs(inBranch, { email: newPerson().email, accountId })).answer;
  expect(await invite(undefined)).toMatchObject({ status: 201, body: { accountId: branch } });
  expect(codeOf(await invite(acme.accountId))).toBe("404 not_found");
  const others = await inviteAs(acme.owner, { email: newPerson().email });
  const seen = await inBranch.call<{ data: Invitation[] }>(path);
  expect(seen.body.data.map(({ accountId }) => accountId)).toEqual([branch]);
  expect((await acme.owner.call<{ data: [] }>(path)).body.data).toHaveLength(2);
  for (const [method, suffix] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/resend"],
  ] as const)
    expect(codeOf(await inBranch.call(`${path}/${others.id}${suffix}`, { method }))).toBe(
      "404 not_found",
    );
});

test("a key with all rights invites in its owner's name", async () => {
  const acme = await newTenant();
  const { key } = await issueKey(acme.owner, { scopes: permissions });
  const { answer } = await inviteAs(programWith(key), { email: newPerson().email });
  expect(answer).toMatchObject({ status: 201, body: { inviterId: acme.owner.userId } });
});

test("an invitation is resent with a new link and a new expiry, as its last sender's", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ tenantRole: "admin" });
  const ada = newPerson();
  const sent = await inviteAs(acme.owner, { email: ada.email });
  const first = await invitationToken(ada.email, 1);
  await execute(acme.db, `update invitations set expires_at = 1 where id = '${sent.id}'`);
  const resent = await admin.call<Invitation>(`${path}/${sent.id}/resend`, post);
  expect(resent).toMatchObject({
    status: 200,
    body: { state: "pending", sentAt: null, inviterId: admin.userId },
  });
  expect(Date.parse(resent.body.expiresAt)).toBeGreaterThan(Date.now() + 6 * 864e5);
  const second = await invitationToken(ada.email, 2);
  expect(second).not.toBe(first);
  const accept = (token: string) => ada.call(`${path}/accept`, { method: "POST", body: { token } });
  expect(codeOf(await accept(first))).toBe("404 not_found");
  expect(codeOf(await accept(second))).toBe("200");
  expect(codeOf(await admin.call(`${path}/${sent.id}/resend`, post))).toBe("409 invitation_used");
});

test("what was revoked or accepted stays so, and says so", async () => {
  const acme = await newTenant();
  const sent = await inviteAs(acme.owner, { email: newPerson().email });
  const remove = () => acme.owner.call(`${path}/${sent.id}`, { method: "DELETE" });
  expect(codeOf(await remove())).toBe("204");
  expect(codeOf(await remove())).toBe("409 conflict");
  expect(codeOf(await acme.owner.call(`${path}/${sent.id}/resend`, post))).toBe("409 conflict");
});

test("the list pages and filters by what invitations are now", async () => {
  const acme = await newTenant();
  const made = [];
  for (let i = 0; i < 4; i++) made.push(await inviteAs(acme.owner, { email: newPerson().email }));
  const [one, two] = made;
  await acme.owner.call(`${path}/${one?.id}`, { method: "DELETE" });
  await execute(acme.db, `update invitations set expires_at = 1 where id = '${two?.id}'`);
  const ids = async (query: string) =>
    (await acme.owner.call<{ data: Invitation[] }>(`${path}${query}`)).body.data.map(
      ({ id }) => id,
    );
  expect(await ids("?state=revoked")).toEqual([one?.id]);
  expect(await ids("?state=expired")).toEqual([two?.id]);
  expect(await ids("?state=pending&sortOrder=asc")).toEqual(made.slice(2).map(({ id }) => id));
  expect(await ids("?limit=3")).toHaveLength(3);
  expect(codeOf(await acme.owner.call(`${path}?state=lost`))).toBe("400 invalid_request");
});

test("the tenant's settings say how long invitations are good and to which domains they go", async () => {
  const acme = await newTenant();
  const body = { invitationDays: 2, emailDomains: ["people.test"] };
  const headers = { "if-match": "*" };
  const set = await acme.owner.call("/api/v1/tenant/settings", { method: "PATCH", body, headers });
  expect(set.status).toBe(200);
  const welcome = await inviteAs(acme.owner, { email: newPerson().email });
  expect(codeOf(welcome.answer)).toBe("201");
  const days = (Date.parse(String(welcome.answer.body["expiresAt"])) - Date.now()) / 864e5;
  expect(Math.round(days)).toBe(2);
  for (const email of ["ada@elsewhere.test", "ada@sub.people.test", "ada@people.test.evil.com"])
    expect(codeOf((await inviteAs(acme.owner, { email })).answer)).toBe("403 forbidden");
});

test.each(accountRoles)("an invitation may be to any role of an account: %s", async (role) => {
  const acme = await newTenant();
  const { answer } = await inviteAs(acme.owner, { email: newPerson().email, role });
  expect(answer).toMatchObject({ status: 201, body: { role } });
});

test("a user who is created is sent an invitation, and arrives by it as that user", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const body = { email: ada.email, name: "Ada", role: "EDITOR" };
  const created = await acme.owner.call("/api/v1/users", { method: "POST", body });
  const token = await invitationToken(ada.email);
  const accepted = await ada.call(`${path}/accept`, { method: "POST", body: { token } });
  expect(accepted).toMatchObject({ status: 200, body: { userId: created.body["id"] } });
  const me = await ada.call("/api/v1/users/me", { headers: { "x-tenant-id": acme.slug } });
  expect(me.body).toMatchObject({ id: created.body["id"], status: "active", name: "Ada" });
  expect(me.body["accounts"]).toMatchObject([{ accountId: acme.accountId, role: "EDITOR" }]);
});

test("creating a user takes the place of an invitation on its way, deleting them ends it", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  await inviteAs(acme.owner, { email: ada.email });
  const old = await invitationToken(ada.email, 1);
  const body = { email: ada.email, name: "Ada" };
  const created = await acme.owner.call("/api/v1/users", { method: "POST", body });
  const fresh = await invitationToken(ada.email, 2);
  const accept = async (token: string) =>
    codeOf(await ada.call(`${path}/accept`, { method: "POST", body: { token } }));
  expect(await accept(old)).toBe("410 invitation_revoked");
  await acme.owner.call(`/api/v1/users/${created.body["id"]}`, { method: "DELETE" });
  expect(await accept(fresh)).toBe("410 invitation_revoked");
});
