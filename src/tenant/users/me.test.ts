import { expect, test } from "vitest";
import type { Problem } from "../../http/problem.ts";
import { naming, newTenant } from "../../testing/harness.ts";
import { auditOf } from "../../testing/rows.ts";
import type { Profile } from "./profile.schema.ts";
import type { User } from "./users.schema.ts";

const path = "/api/v1/users/me";
const profile = `${path}/profile`;
const patch = (body: object, headers: Record<string, string | undefined> = {}) => ({
  method: "PATCH",
  body,
  headers,
});

test("everybody sees and changes themselves, and the version tells", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const seen = await member.call<User>(path);
  expect(seen).toMatchObject({
    status: 200,
    body: { id: member.userId, version: 1, accounts: [] },
  });
  expect(seen.headers["etag"]).toBe(`"${acme.id}.1"`);
  const body = { name: "Grace Hopper", profileImage: "https://images.test/grace.png" };
  const changed = await member.call<User>(path, patch(body, { "if-match": seen.headers["etag"] }));
  expect(changed).toMatchObject({ status: 200, body: { ...body, version: 2 } });
  expect(changed.body.updatedBy).toBe(member.userId);
  const stale = await member.call<Problem>(
    path,
    patch({ name: "X" }, { "if-match": seen.headers["etag"] }),
  );
  expect([stale.status, stale.body.code]).toEqual([412, "precondition_failed"]);
  const cleared = await member.call<User>(path, patch({ profileImage: null }));
  expect(cleared.body).toMatchObject({ name: "Grace Hopper", profileImage: null });
  const log = await auditOf(acme.owner, { entityId: member.userId, action: "UPDATE" });
  expect(log.map(({ actorId }) => actorId)).toEqual([member.userId, member.userId]);
});

test.each([
  ["email", { email: "new@acme.test" }],
  ["status", { status: "active" }],
  ["tenantRole", { tenantRole: "owner" }],
  ["id", { id: "usr_019aa3f0-6f1e-7c3a-9d55-0c2f6a1b4e7d" }],
])("who one is, %s, is not one's own to change", async (_, body) => {
  const acme = await newTenant();
  const member = await acme.member();
  const before = (await member.call<User>(path)).body;
  const { status, body: problem } = await member.call<Problem>(path, patch({ ...body, name: "X" }));
  expect([status, problem.code]).toEqual([400, "invalid_request"]);
  expect((await member.call<User>(path)).body).toEqual(before);
});

test("a profile begins empty, keeps what is said and forgets what is cleared", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const first = await member.call<Profile>(profile);
  const empty = {
    userId: member.userId,
    jobTitle: null,
    department: null,
    phone: null,
    bio: null,
    locale: null,
    timeZone: null,
    version: 0,
  };
  expect(first.body).toEqual(empty);
  expect(first.headers["etag"]).toBe(`"${acme.id}.0"`);

  const said = {
    jobTitle: "Engineer",
    phone: "+4930123456",
    locale: "de-CH",
    timeZone: "Europe/Zurich",
  };
  const written = await member.call<Profile>(
    profile,
    patch(said, { "if-match": first.headers["etag"] }),
  );
  expect(written).toMatchObject({ status: 200, body: { ...empty, ...said, version: 1 } });
  const late = await member.call<Problem>(
    profile,
    patch({ bio: "x" }, { "if-match": first.headers["etag"] }),
  );
  expect(late.status).toBe(412);
  const cleared = await member.call<Profile>(profile, patch({ phone: null, bio: "Hello" }));
  expect(cleared.body).toEqual({ ...empty, ...said, phone: null, bio: "Hello", version: 2 });

  const manager = await acme.member({ accountRole: "MANAGER" });
  const viewer = await acme.member({ accountRole: "VIEWER" });
  const of = `/api/v1/users/${member.userId}/profile`;
  expect((await manager.call<Profile>(of)).body).toEqual(cleared.body);
  expect((await viewer.call(of)).status).toBe(403);
});

test("20 first words at once make one profile, and a version each", async () => {
  const acme = await newTenant();
  const member = await acme.member();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => member.call<Profile>(profile, patch({ bio: `${i}` }))),
  );
  const versions = answers.map(({ body }) => body.version).sort((a, b) => a - b);
  expect(versions).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
});

test.each([
  ["phone", "030 123456"],
  ["phone", "+0123456789"],
  ["locale", "german"],
  ["locale", "de_DE"],
  ["timeZone", "Mars/Olympus"],
  ["timeZone", "+01:00"],
  ["jobTitle", "x".repeat(101)],
  ["bio", "line\nbreak"],
  ["nickname", "Ada"],
])("a profile takes no %s of %j", async (field, value) => {
  const acme = await newTenant();
  const { status, body } = await acme.owner.call<Problem>(profile, patch({ [field]: value }));
  expect([status, body.code]).toEqual([400, "invalid_request"]);
});

test("somebody who names no account is themselves all the same", async () => {
  const acme = await newTenant();
  const member = naming(await acme.member({ accountRole: "EDITOR" }), { "account-id": undefined });
  expect((await member.call<User>(path)).body.accounts).toMatchObject([{ role: "EDITOR" }]);
});
