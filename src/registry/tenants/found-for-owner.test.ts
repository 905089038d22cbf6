import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { codeOf } from "../../testing/client.ts";
import { openTenant } from "../../testing/databases.ts";
import { naming, newPerson, newTenant, registry, settings } from "../../testing/harness.ts";
import { accept } from "../../testing/invitations.ts";
import { invitationToken } from "../../testing/mails.ts";
import { newPlatformAdmin } from "../../testing/operators.ts";
import { execute, rowsOf } from "../../testing/raw-sql.ts";
import type { AdminTenant } from "./admin.schema.ts";

const path = "/api/v1/admin/tenants";
const newSlug = () => `t-${randomUUID().slice(0, 13)}`;
const found = async (email: string, more: object = {}) => {
  const operator = await newPlatformAdmin();
  const body = { slug: newSlug(), name: "Initech", ownerEmail: email, ...more };
  const answer = await operator.call<AdminTenant>(path, { method: "POST", body });
  return { operator, answer, slug: body.slug };
};

test("an operator sets a tenant up for somebody, who alone is in it once they accept", async () => {
  const ada = newPerson();
  const { operator, answer, slug } = await found(ada.email, { plan: "gold", ownerName: "Ada" });
  expect(answer).toMatchObject({
    status: 201,
    headers: { location: `${path}/${answer.body.id}` },
    body: { slug, name: "Initech", plan: "gold", status: "active" },
  });
  const { id } = answer.body;
  const db = await openTenant(settings, id);
  expect(await rowsOf(db, "select * from users")).toEqual([]);
  const memberships = () =>
    rowsOf(registry, `select subject, role from tenant_users where tenant_id = '${id}'`);
  expect(await memberships()).toEqual([]);
  const here = { "x-tenant-id": slug };
  expect(codeOf(await naming(operator, here).call("/api/v1/tenant"))).toBe("403 tenant_forbidden");

  expect(codeOf(await accept(newPerson(), await invitationToken(ada.email)))).toBe(
    "403 invitation_email_mismatch",
  );
  const accepted = await accept(ada, await invitationToken(ada.email));
  expect(accepted).toMatchObject({ status: 200, body: { tenantRole: "owner", role: "ADMIN" } });
  expect((await naming(ada, here).call("/api/v1/users")).status).toBe(200);
  expect(await memberships()).toEqual([{ subject: ada.subject, role: "owner" }]);
  expect(await rowsOf(db, "select plan from tenant_identity")).toEqual([{ plan: "gold" }]);
  const [log] = await rowsOf(
    registry,
    `select actor_type, actor_id from audit_logs where entity_id = '${id}' and action = 'INSERT'`,
  );
  expect(log).toEqual({
    actor_type: "operator",
    actor_id: expect.stringContaining(operator.subject),
  });
});

test("a slug is given once, and a repeated request finds what it made", async () => {
  const ada = newPerson();
  const { operator, slug } = await found(ada.email);
  const body = { slug, name: "Initech", ownerEmail: ada.email };
  const again = await operator.call(path, { method: "POST", body });
  expect(codeOf(again)).toBe("409 slug_taken");
  const headers = { "idempotency-key": randomUUID() };
  const asked = { method: "POST", body: { ...body, slug: newSlug() }, headers };
  const [first, second] = [await operator.call(path, asked), await operator.call(path, asked)];
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.body["id"]).toBe(first.body["id"]);
});

test("a region the platform does not have is refused before anything is written down", async () => {
  const { answer, slug } = await found("ada@acme.test", { region: "mars" });
  expect(codeOf(answer)).toBe("400 invalid_request");
  expect(await rowsOf(registry, `select id from tenants where slug = '${slug}'`)).toEqual([]);
});

test("a first owner whose link expired gets another, and somebody else in their place", async () => {
  const [ada, bob] = [newPerson(), newPerson()];
  const { operator, answer } = await found(ada.email);
  const invite = (email: string) =>
    operator.call(`${path}/${answer.body.id}/owner-invitations`, {
      method: "POST",
      body: { email },
    });
  const db = await openTenant(settings, answer.body.id);
  const first = await invitationToken(ada.email);
  await execute(db, "update invitations set expires_at = 1");
  expect(codeOf(await accept(ada, first))).toBe("410 invitation_expired");
  expect((await invite(ada.email)).status).toBe(202);
  const second = await invitationToken(ada.email, 2);
  expect((await invite(bob.email)).status).toBe(202);
  expect(codeOf(await accept(ada, second))).toBe("410 invitation_revoked");
  expect(codeOf(await accept(bob, await invitationToken(bob.email)))).toBe("200");
  expect(codeOf(await invite(ada.email))).toBe("409 conflict");
});

test("a tenant that has an owner is closed to operators who would add one", async () => {
  const acme = await newTenant();
  const operator = await newPlatformAdmin();
  const body = { email: "mallory@acme.test" };
  const invite = () =>
    operator.call(`${path}/${acme.id}/owner-invitations`, { method: "POST", body });
  expect(codeOf(await invite())).toBe("409 conflict");
  await execute(acme.db, "update users set status = 'suspended'");
  expect(codeOf(await invite())).toBe("409 conflict");
  expect(await rowsOf(acme.db, "select * from invitations")).toEqual([]);
});

test("every step may be done twice: there is one invitation, and its link stays good", async () => {
  const ada = newPerson();
  const { operator, answer, slug } = await found(ada.email);
  const { id } = answer.body;
  const link = await invitationToken(ada.email);
  await execute(
    registry,
    `update tenants set status = 'provisioning' where id = '${id}'`,
    `update operations set status = 'pending' where tenant_id = '${id}'`,
    `update operation_steps set status = 'pending'
      where operation_id in (select id from operations where tenant_id = '${id}')`,
  );
  const body = { slug, name: "Initech", ownerEmail: ada.email };
  const again = await operator.call<AdminTenant>(path, { method: "POST", body });
  expect(again).toMatchObject({ status: 201, body: { id, status: "active" } });
  const db = await openTenant(settings, id);
  expect(await rowsOf(db, "select state from invitations")).toEqual([{ state: "pending" }]);
  expect(codeOf(await accept(ada, link))).toBe("200");
});
