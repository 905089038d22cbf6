import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Auth0, startAuth0 } from "../testing/auth0.ts";
import {
  newPerson,
  newTenant,
  type Person,
  registry,
  settings,
  stack,
} from "../testing/harness.ts";
import { accept, inviteAs } from "../testing/invitations.ts";
import { invitationToken, mailsTo } from "../testing/mails.ts";
import { newPlatformAdmin } from "../testing/operators.ts";
import { execute, rowsOf } from "../testing/raw-sql.ts";
import { outboxOf } from "../testing/stack.ts";
import { type RunningWorker, startWorker } from "../testing/worker.ts";

let auth0: Auth0;
let worker: RunningWorker;
beforeAll(async () => {
  auth0 = await startAuth0();
  const settings = { ...stack.settings, ...auth0.settings };
  worker = await startWorker({ bundle: stack.bundle, settings, outbox: outboxOf(stack.dataDir) });
});
afterAll(async () => {
  expect(auth0.violations).toEqual([]);
  await worker.stop();
  auth0.stop();
});

const identities = "/api/v1/users/me/identities";
/** Somebody who is also at the provider. */
function newKnownPerson() {
  const person = newPerson(worker.url);
  auth0.place({ subject: person.subject, email: person.email });
  return person;
}

test("the login configuration says whether people are managed and mails are sent", async () => {
  const featuresAt = async (url: string) =>
    (await newPerson(url).call("/api/v1/auth/config")).body["features"];
  expect(await featuresAt(worker.url)).toMatchObject({ identityManagement: true, mail: true });
  expect(await featuresAt(stack.apiUrl)).toMatchObject({ identityManagement: false, mail: true });
});

test("who is invited and unknown to the provider gets a link to choose a password, and is in the organisation", async () => {
  const acme = await newTenant(worker.url);
  const organizationId = "org_acme";
  auth0.organizations.set(organizationId, new Set());
  const admin = await newPlatformAdmin({ base: worker.url });
  const change = { method: "PATCH", body: { organizationId } };
  expect((await admin.call(`/api/v1/admin/tenants/${acme.id}`, change)).status).toBe(200);

  const guest = newPerson(worker.url);
  const { answer } = await inviteAs(acme.owner, { email: guest.email, name: "Grace" });
  expect(answer.status).toBe(201);
  const token = await invitationToken(guest.email);
  const [ticket] = auth0.tickets.filter(({ url }) => mailsTo(guest.email)[0]?.text.includes(url));
  expect(ticket?.returnTo).toBe(stack.settings["FRONTEND_URL"]);
  expect([...(auth0.organizations.get(organizationId) ?? [])]).toEqual([ticket?.subject]);
  expect(JSON.stringify([answer.body, worker.lines])).not.toContain(ticket?.url);
  expect((await accept(guest, token)).status).toBe(200);
});

test("who has signed in before just gets the invitation, and nobody but them learns which", async () => {
  const acme = await newTenant(worker.url);
  const known = newKnownPerson();
  auth0.signIn(known.subject);
  const [old, young] = [
    await inviteAs(acme.owner, { email: known.email }),
    await inviteAs(acme.owner, { email: newPerson().email }),
  ];
  await invitationToken(known.email);
  expect(mailsTo(known.email)[0]?.text).not.toContain("password");
  const shape = ({ answer: { status, body } }: typeof old) => [status, Object.keys(body).sort()];
  expect(shape(old)).toEqual(shape(young));
});

test("while the provider is down an invitation stands, shows as unsent, and its mail goes at a resend", async () => {
  const acme = await newTenant(worker.url);
  const guest = newPerson(worker.url);
  auth0.misbehave({ with: "createUser", reply: { status: 503 } });
  const { id } = await inviteAs(acme.owner, { email: guest.email });
  const at = `/api/v1/invitations/${id}`;
  await expect
    .poll(() => worker.lines.filter(({ event }) => event === "mail_failed"), { timeout: 8000 })
    .toHaveLength(1);
  expect((await acme.owner.call(at)).body).toMatchObject({ state: "pending", sentAt: null });
  auth0.behave();
  expect((await acme.owner.call(`${at}/resend`, { method: "POST" })).status).toBe(200);
  await invitationToken(guest.email);
  await expect.poll(async () => (await acme.owner.call(at)).body["sentAt"]).not.toBeNull();
});

test("two identities one can prove become one account at the provider, whoever asks twice", async () => {
  const acme = await newTenant(worker.url);
  const [member, other] = [await acme.member(), newKnownPerson()];
  auth0.place({ subject: member.subject, email: member.email });
  const body = { token: await other.token(), merge: true };
  for (const _ of ["once", "again"]) {
    const { status } = await member.call(identities, { method: "POST", body });
    expect(status).toBe(201);
  }
  const merged = auth0.users.get(member.subject)?.identities.map(({ user_id }) => user_id);
  expect(merged).toHaveLength(2);
  expect(auth0.users.has(other.subject)).toBe(false);
});

test("who belongs elsewhere is not merged, as they would be out of there", async () => {
  const [acme, globex] = [await newTenant(worker.url), await newTenant(worker.url)];
  const member = await acme.member();
  const body = { token: await globex.owner.token(), merge: true };
  const { status, body: problem } = await member.call(identities, { method: "POST", body });
  expect([status, problem["code"]]).toEqual([409, "conflict"]);
  expect((await member.call<{ data: unknown[] }>(identities)).body.data).toHaveLength(1);
});

test("where the provider fails at a merge nothing is lost, and a repetition makes up for it", async () => {
  const acme = await newTenant(worker.url);
  const [member, other] = [await acme.member(), newKnownPerson()];
  auth0.place({ subject: member.subject, email: member.email });
  auth0.misbehave({ with: "linkIdentity", reply: { status: 500 } });
  const body = { token: await other.token(), merge: true };
  const failed = await member.call(identities, { method: "POST", body });
  expect([failed.status, failed.body["code"]]).toEqual([503, "dependency_unavailable"]);
  auth0.behave();
  expect((await member.call(identities, { method: "POST", body })).status).toBe(201);
  expect(auth0.users.has(other.subject)).toBe(false);
});

test("a platform admin blocks somebody at the provider and lets them in again, and the registry's log has both", async () => {
  const admin = await newPlatformAdmin({ base: worker.url });
  const person = newKnownPerson();
  const path = `/api/v1/admin/identities/${encodeURIComponent(person.subject)}/suspension`;
  const isBlocked = () => auth0.users.get(person.subject)?.blocked;
  expect((await admin.call(path, { method: "POST" })).status).toBe(204);
  expect(isBlocked()).toBe(true);
  expect((await admin.call(path, { method: "DELETE" })).status).toBe(204);
  expect(isBlocked()).toBe(false);
  const rows = await rowsOf<{ changes: string; actor_id: string }>(
    registry,
    `select changes, actor_id from audit_logs where entity_id = '${person.subject}' order by sequence`,
  );
  const actor_id = expect.stringContaining(admin.subject) as string;
  expect(rows.map(({ changes, ...row }) => ({ ...row, changes: JSON.parse(changes) }))).toEqual([
    { actor_id, changes: { blocked: { old: 0, new: 1 } } },
    { actor_id, changes: { blocked: { old: 1, new: 0 } } },
  ]);
});

test("a block that is repeated after it was lifted does nothing more", async () => {
  const admin = await newPlatformAdmin({ base: worker.url });
  const person = newKnownPerson();
  const path = `/api/v1/admin/identities/${encodeURIComponent(person.subject)}/suspension`;
  const block = { method: "POST", headers: { "idempotency-key": "block-once" } };
  auth0.misbehave({ with: "updateUser", reply: { status: 400 }, times: 1 });
  expect((await admin.call(path, block)).status).toBe(503);
  expect((await admin.call(path, block)).status, "what failed is done at its repetition").toBe(204);
  expect(auth0.users.get(person.subject)?.blocked).toBe(true);
  await admin.call(path, { method: "DELETE" });
  const again = await admin.call(path, block);
  expect([again.status, again.headers["idempotency-replayed"]]).toEqual([204, "true"]);
  expect(auth0.users.get(person.subject)?.blocked).toBe(false);
});

test("nobody is merged with a platform admin, from either side", async () => {
  const acme = await newTenant(worker.url);
  const admin = await newPlatformAdmin({ base: worker.url });
  const member = await acme.member();
  const merge = async (who: Pick<Person, "call">, other: Person) => {
    const body = { token: await other.token(), merge: true };
    return (await who.call(identities, { method: "POST", body })).body["code"];
  };
  expect(await merge(member, admin)).toBe("conflict");
  const { issuer } = settings.identityProvider;
  const row = sql`insert into platform_admins (issuer, subject, active, created_at)
    values (${issuer}, ${member.subject}, 1, 1)`;
  await execute(registry, row);
  expect(await merge(member, newKnownPerson())).toBe("conflict");
});

test("nobody else blocks anyone, and somebody the provider does not know is not found", async () => {
  const person = newKnownPerson();
  const path = `/api/v1/admin/identities/${encodeURIComponent(person.subject)}/suspension`;
  const [claimOnly, rowOnly] = [
    await newPlatformAdmin({ row: false, base: worker.url }),
    await newPlatformAdmin({ claim: false, base: worker.url }),
  ];
  for (const caller of [person, claimOnly, rowOnly])
    expect((await caller.call(path, { method: "POST" })).body["code"]).toBe("forbidden");
  expect(auth0.users.get(person.subject)?.blocked).toBe(false);
  const admin = await newPlatformAdmin({ base: worker.url });
  const unknown = await admin.call("/api/v1/admin/identities/auth0%7Cnobody/suspension", {
    method: "POST",
  });
  expect([unknown.status, unknown.body["code"]]).toEqual([404, "not_found"]);
});

test("a deployment without credentials for the provider says that it manages nobody", async () => {
  const admin = await newPlatformAdmin();
  const blocked = await admin.call("/api/v1/admin/identities/auth0%7Cx/suspension", {
    method: "POST",
  });
  const member = await (await newTenant()).member();
  const body = { token: await newPerson().token(), merge: true };
  const merged = await member.call(identities, { method: "POST", body });
  for (const { status, body } of [blocked, merged])
    expect([status, body["code"]]).toEqual([409, "identity_management_off"]);
});
