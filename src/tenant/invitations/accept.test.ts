import { eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { memberships } from "../../registry/memberships/memberships.table.ts";
import { codeOf } from "../../testing/client.ts";
import { dump } from "../../testing/dump.ts";
import { newPerson, newTenant, type Person, registry, stack } from "../../testing/harness.ts";
import { accept, inviteAs, invited } from "../../testing/invitations.ts";
import { invitationToken } from "../../testing/mails.ts";
import { startProxy } from "../../testing/proxy.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import { indexOf, placeAccount } from "../../testing/rows.ts";
import { startWorker } from "../../testing/worker.ts";

const enter = (person: Person, slug: string) =>
  person.call("/api/v1/tenant", { headers: { "x-tenant-id": slug } });

test("who accepts is in as what they were offered, in the tenant, the account and the index", async () => {
  const acme = await newTenant();
  const branch = await placeAccount(acme.db, "Branch");
  const ada = newPerson();
  const offer = { tenantRole: "admin", accountId: branch, role: "MANAGER" };
  const { id, token } = await invited(acme.owner, ada, offer);
  expect(codeOf(await enter(ada, acme.slug))).toBe("403 tenant_forbidden");
  const { status, body } = await accept(ada, token);
  expect({ status, body }).toEqual({
    status: 200,
    body: {
      tenant: { id: acme.id, slug: acme.slug, name: `Tenant ${acme.slug}` },
      userId: expect.stringMatching(/^usr_/),
      tenantRole: "admin",
      accountId: branch,
      role: "MANAGER",
    },
  });
  expect(codeOf(await enter(ada, acme.slug))).toBe("200");
  expect(await indexOf(acme, ada)).toEqual([{ role: "admin", status: "active" }]);
  const me = await ada.call("/api/v1/auth/me", { headers: { "x-tenant-id": acme.slug } });
  expect(me.body["membership"]).toMatchObject({
    tenantRole: "admin",
    accounts: [{ accountId: branch, role: "MANAGER" }],
  });
  const used = await acme.owner.call(`/api/v1/invitations/${id}`);
  expect(used.body).toMatchObject({ state: "accepted", userId: body["userId"] });
  const [entry] = await rowsOf(
    acme.db,
    `select actor_type, actor_id from audit_logs where entity = 'users' and entity_id = '${body["userId"]}'`,
  );
  expect(entry).toEqual({ actor_type: "user", actor_id: body["userId"] });
});

test("a link is good once: used, it says so", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { token } = await invited(acme.owner, ada);
  expect(codeOf(await accept(ada, token))).toBe("200");
  const before = await dump(acme.db);
  expect(codeOf(await accept(ada, token))).toBe("409 invitation_used");
  expect(await dump(acme.db)).toEqual(before);
});

test("of 50 who accept at once with one link one gets in, once", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { token } = await invited(acme.owner, ada);
  const answers = await Promise.all(Array.from({ length: 50 }, () => accept(ada, token)));
  const counts = Object.groupBy(answers, codeOf);
  expect(counts["200"]).toHaveLength(1);
  expect(counts["409 invitation_used"]).toHaveLength(49);
  const made = await rowsOf(acme.db, `select * from users where email = '${ada.email}'`);
  expect(made).toHaveLength(1);
  expect(
    await rowsOf(acme.db, `select * from user_identities where subject = '${ada.subject}'`),
  ).toHaveLength(1);
});

test("somebody else with the link learns whose it may be, and nothing more", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { token } = await invited(acme.owner, ada);
  const before = await dump(acme.db);
  const mallory = await accept(newPerson(), token);
  expect(codeOf(mallory)).toBe("403 invitation_email_mismatch");
  expect(mallory.body["detail"]).toContain(`${ada.email[0]}…@p….test`);
  expect(JSON.stringify(mallory)).not.toContain(ada.email);
  expect(JSON.stringify(mallory)).not.toContain(acme.slug);
  const told = async () => codeOf(await accept(newPerson(), token));
  expect(await dump(acme.db)).toEqual(before);
  await accept(ada, token);
  expect(await told()).toBe("403 invitation_email_mismatch");
});

test("an address the provider has not verified is no proof", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { token } = await invited(acme.owner, ada);
  for (const claims of [
    { email_verified: false },
    { email_verified: "true" },
    { email: undefined },
  ]) {
    const authorization = `Bearer ${await ada.token(claims)}`;
    const answer = await accept(ada, token, { authorization });
    expect(codeOf(answer)).toBe("403 verified_email_required");
  }
  const upper = { authorization: `Bearer ${await ada.token({ email: ada.email.toUpperCase() })}` };
  expect(codeOf(await accept(ada, token, upper))).toBe("200");
});

test("an invitation that has expired or was withdrawn is gone", async () => {
  const acme = await newTenant();
  const [ada, bob] = [newPerson(), newPerson()];
  const [expired, revoked] = [await invited(acme.owner, ada), await invited(acme.owner, bob)];
  await execute(acme.db, `update invitations set expires_at = 1 where id = '${expired.id}'`);
  await acme.owner.call(`/api/v1/invitations/${revoked.id}`, { method: "DELETE" });
  expect(codeOf(await accept(ada, expired.token))).toBe("410 invitation_expired");
  expect(codeOf(await accept(bob, revoked.token))).toBe("410 invitation_revoked");
});

test("an invitation is worth what its inviter may still grant", async () => {
  const acme = await newTenant();
  const admin = await acme.member({ tenantRole: "admin" });
  const boss = await acme.member({ accountRole: "ADMIN" });
  const people = [newPerson(), newPerson(), newPerson(), newPerson()] as const;
  const links = [
    await invited(admin, people[0], { tenantRole: "admin" }),
    await invited(admin, people[1]),
    await invited(boss, people[2]),
    await invited(boss, people[3]),
  ] as const;
  await execute(acme.db, `update users set tenant_role = 'member' where id = '${admin.userId}'`);
  expect(codeOf(await accept(people[0], links[0].token))).toBe("410 invitation_revoked");
  expect(codeOf(await accept(people[1], links[1].token))).toBe("410 invitation_revoked");
  expect(codeOf(await accept(people[2], links[2].token))).toBe("200");
  await execute(acme.db, `update users set status = 'suspended' where id = '${boss.userId}'`);
  expect(codeOf(await accept(people[3], links[3].token))).toBe("410 invitation_revoked");
});

test("who belongs already is told so, and the link stays good for nobody else", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const { token } = await invited(acme.owner, ada);
  const member = await acme.member();
  const both = { authorization: `Bearer ${await member.token({ email: ada.email })}` };
  expect(codeOf(await accept(member, token, both))).toBe("409 already_member");
  expect(codeOf(await accept(ada, token))).toBe("200");
});

test("somebody who was deleted comes back by an invitation, as somebody new", async () => {
  const acme = await newTenant();
  const ada = newPerson();
  const first = await accept(ada, (await invited(acme.owner, ada)).token);
  const old = `/api/v1/users/${first.body["userId"]}`;
  expect((await acme.owner.call(old, { method: "DELETE" })).status).toBe(204);
  expect(codeOf(await enter(ada, acme.slug))).toBe("403 tenant_forbidden");
  expect((await inviteAs(acme.owner, { email: ada.email })).answer.status).toBe(201);
  const again = await accept(ada, await invitationToken(ada.email, 2));
  expect(again.status).toBe(200);
  expect(again.body["userId"]).not.toBe(first.body["userId"]);
  expect(codeOf(await enter(ada, acme.slug))).toBe("200");
  expect(await indexOf(acme, ada)).toEqual([{ role: "member", status: "active" }]);
});

test("a suspended tenant takes nobody in, and a pending user who was suspended stays out", async () => {
  const acme = await newTenant();
  const [ada, bob] = [newPerson(), newPerson()];
  const { token } = await invited(acme.owner, ada);
  const body = { email: bob.email, name: "Bob" };
  const created = await acme.owner.call("/api/v1/users", { method: "POST", body });
  const bobs = await invitationToken(bob.email);
  const suspend = { method: "PATCH", body: { status: "suspended" } };
  await acme.owner.call(`/api/v1/users/${created.body["id"]}`, suspend);
  expect(codeOf(await accept(bob, bobs))).toBe("410 invitation_revoked");
  await execute(acme.db, "update tenant_identity set status = 'suspended'");
  expect(codeOf(await accept(ada, token))).toBe("403 tenant_suspended");
});

test("a link of another tenant, spoiled or of another kind is no invitation", async () => {
  const [acme, globex] = [await newTenant(), await newTenant()];
  const ada = newPerson();
  const { token } = await invited(acme.owner, ada);
  const tenantIn = (id: string) => id.slice("tnt_".length).replaceAll("-", "");
  const spoiled = [
    token.replace(tenantIn(acme.id), tenantIn(globex.id)),
    token.slice(0, -1),
    token.replace(/^tnt_inv_/, "tnt_live_"),
    "nonsense",
    "x".repeat(200),
  ];
  for (const text of spoiled) expect(codeOf(await accept(ada, text))).toBe("404 not_found");
  expect(codeOf(await accept(ada, "x".repeat(201)))).toBe("400 invalid_request");
  expect(codeOf(await accept(ada, token))).toBe("200");
});

test("an index that could not be written is mended by the person's next visit", async () => {
  const proxy = await startProxy(stack.settings);
  const worker = await startWorker({
    bundle: stack.bundle,
    settings: { ...stack.settings, ...proxy.settings },
  });
  try {
    const acme = await newTenant();
    const ada = newPerson();
    const { token } = await invited(acme.owner, ada);
    const there = {
      ...ada,
      call: ((path, options) => ada.call(`${worker.url}${path}`, options)) as Person["call"],
    };
    const outage = proxy.disturb({
      of: ({ namespace, body }) => namespace === "registry" && /insert into/.test(body),
      at: "request",
      by: "cut",
    });
    expect(codeOf(await accept(there, token))).toBe("503 dependency_unavailable");
    expect(codeOf(await enter(ada, acme.slug))).toBe("200");
    outage.lift();
    const rows = await registry
      .select()
      .from(memberships)
      .where(eq(memberships.subject, ada.subject));
    expect(rows).toEqual([]);
    expect(codeOf(await accept(there, token))).toBe("409 invitation_used");
    expect(await indexOf(acme, ada)).toEqual([{ role: "member", status: "active" }]);
  } finally {
    await worker.stop();
    await proxy.stop();
  }
});
