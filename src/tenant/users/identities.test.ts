import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import { type Member, naming, newPerson, newTenant, type Person } from "../../testing/harness.ts";
import { rowsOf } from "../../testing/raw-sql.ts";
import { indexOf } from "../../testing/rows.ts";
import type { LinkedIdentity } from "./identities.schema.ts";

const path = "/api/v1/users/me/identities";
const link = async (member: Pick<Person, "call">, other: Person, claims = {}) =>
  member.call<LinkedIdentity>(path, { method: "POST", body: { token: await other.token(claims) } });
const list = async (member: Pick<Person, "call">, of = path) =>
  (await member.call<{ data: LinkedIdentity[] }>(of)).body.data;
const unlink = (member: Pick<Person, "call">, { id }: LinkedIdentity, of = path) =>
  member.call(`${of}/${id}`, { method: "DELETE" });
/** The other identity, in the tenant. */
const as = (other: Person, slug: string) => naming(other, { "x-tenant-id": slug });

test("an identity one can prove signs in as oneself from the next request on", async () => {
  const acme = await newTenant();
  const member = await acme.member({ accountRole: "EDITOR" });
  const other = newPerson();
  expect(codeOf(await as(other, acme.slug).call("/api/v1/tenant"))).toBe("403 tenant_forbidden");
  const linked = await link(member, other);
  expect(linked).toMatchObject({ status: 201, body: { subject: other.subject, current: false } });
  const me = await as(other, acme.slug).call("/api/v1/users/me");
  expect(me.body["id"]).toBe(member.userId);
  expect(await indexOf(acme, other)).toEqual([{ role: "member", status: "active" }]);
  expect((await list(as(other, acme.slug))).map(({ current }) => current).sort()).toEqual([
    false,
    true,
  ]);
});

test("linking an identity twice changes nothing", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const other = newPerson();
  const first = await link(member, other);
  const again = await link(member, other);
  expect(again.body).toEqual(first.body);
  expect(again.status).toBe(201);
  expect(await list(member)).toHaveLength(2);
});

test("an identity of somebody else here is theirs, a deleted user's included", async () => {
  const acme = await newTenant();
  const [member, other] = [await acme.member(), await acme.member()];
  expect(codeOf(await link(member, other))).toBe("409 identity_taken");
  await acme.owner.call(`/api/v1/users/${other.userId}`, { method: "DELETE" });
  expect(codeOf(await link(member, other))).toBe("409 identity_taken");
  expect(await list(member)).toHaveLength(1);
});

test("of 20 who link one identity at once one gets it", async () => {
  const acme = await newTenant();
  const other = newPerson();
  const members = await Promise.all(Array.from({ length: 20 }, () => acme.member()));
  const answers = await Promise.all(members.map((member) => link(member, other)));
  const counts = Object.groupBy(answers, codeOf);
  expect(counts["201"]).toHaveLength(1);
  expect(counts["409 identity_taken"]).toHaveLength(19);
});

test.each([
  ["nonsense", async () => "a.b.c"],
  ["an expired token", (other: Person) => other.token({ exp: Math.floor(Date.now() / 1000) - 60 })],
  ["a token for another audience", (other: Person) => other.token({ aud: "https://other.test" })],
  ["an ID token", (other: Person) => other.token({ nonce: "n" })],
])("%s proves no identity, and is the fault of the body, not of the caller", async (_, token) => {
  const acme = await newTenant();
  const member = await acme.member();
  const body = { token: await token(newPerson()) };
  const answer = await member.call(path, { method: "POST", body });
  expect(codeOf(answer)).toBe("400 invalid_request");
  expect(answer.body["errors"]).toMatchObject([{ in: "body", path: "token" }]);
  expect(answer.headers["www-authenticate"]).toBeUndefined();
  expect(await list(member)).toHaveLength(1);
});

test("an identity that is unlinked is out on the next request; the last one stays", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const other = newPerson();
  await link(member, other);
  const [own, second] = (await list(member)) as [LinkedIdentity, LinkedIdentity];
  expect(codeOf(await unlink(member, second))).toBe("204");
  expect(codeOf(await as(other, acme.slug).call("/api/v1/tenant"))).toBe("403 tenant_forbidden");
  expect(await indexOf(acme, other)).toEqual([]);
  expect(codeOf(await unlink(member, own))).toBe("409 last_identity");
  expect(codeOf(await unlink(member, second))).toBe("404 not_found");
  expect(codeOf(await member.call("/api/v1/tenant"))).toBe("200");
});

test("two who unlink each other's last at once leave one", async () => {
  const acme = await newTenant();
  for (let round = 0; round < 10; round++) {
    const member = await acme.member();
    const other = newPerson();
    await link(member, other);
    const [one, two] = (await list(member)) as [LinkedIdentity, LinkedIdentity];
    const answers = await Promise.all([
      unlink(member, one),
      unlink(as(other, acme.slug), two),
      unlink(member, two),
      unlink(as(other, acme.slug), one),
    ]);
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    const left = await rowsOf(
      acme.db,
      `select subject from user_identities where user_id = '${member.userId}'`,
    );
    expect(left).toHaveLength(1);
  }
});

test("an admin sees the identities of users and unlinks those of whom they may manage", async () => {
  const acme = await newTenant();
  const [admin, member] = [await acme.member({ tenantRole: "admin" }), await acme.member()];
  await link(member, newPerson());
  const of = ({ userId }: Member) => `/api/v1/users/${userId}/identities`;
  const [, second] = (await list(admin, of(member))) as [LinkedIdentity, LinkedIdentity];
  const [owners] = (await list(admin, of(acme.owner))) as [LinkedIdentity];
  expect(codeOf(await unlink(admin, second, of(acme.owner)))).toBe("404 not_found");
  await link(acme.owner, newPerson());
  expect(codeOf(await unlink(admin, owners, of(acme.owner)))).toBe("403 forbidden");
  expect(codeOf(await unlink(admin, second, of(member)))).toBe("204");
  const nobody = of({ userId: "usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d" } as Member);
  expect(codeOf(await admin.call(nobody))).toBe("404 not_found");
});

test("nobody has more than ten identities", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  for (let i = 1; i < 10; i++) expect((await link(member, newPerson())).status).toBe(201);
  expect(codeOf(await link(member, newPerson()))).toBe("403 quota_exceeded");
  expect(await list(member)).toHaveLength(10);
});

test("merging accounts is refused where the deployment manages none", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const body = { token: await newPerson().token(), merge: true };
  const answer = await member.call(path, { method: "POST", body });
  expect(codeOf(answer)).toBe("409 identity_management_off");
  expect(await list(member)).toHaveLength(1);
});
