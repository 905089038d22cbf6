import { batch } from "../db/batch.ts";
import { platformAdmins } from "../registry/admins/admins.table.ts";
import { naming, newPerson, type Person, registry, settings, type TestTenant } from "./harness.ts";
import { placeRestoration } from "./placed-restoration.ts";

type Standing = { claim?: unknown; row?: boolean; base?: string };

/** Somebody with the claim and the row of a platform admin, or with one of them only. */
export async function newPlatformAdmin({
  claim = true,
  row = true,
  base,
}: Standing = {}): Promise<Person> {
  const person = newPerson(base);
  const { identityProvider, CLAIM_NAMESPACE } = settings;
  if (row) {
    const values = { issuer: identityProvider.issuer, subject: person.subject, active: true };
    await batch(registry, "write", [
      registry.insert(platformAdmins).values({ ...values, createdAt: Date.now() }),
    ]);
  }
  const token = await person.token({ [`${CLAIM_NAMESPACE}global_admin`]: claim });
  return naming(person, { authorization: `Bearer ${token}` });
}

type Taken = { readonly id: string; readonly expiresAt: string };

/** A platform admin lets themselves into a tenant. */
export async function takeGrant(
  operator: Pick<Person, "call">,
  tenantId: string,
  grant: { mode?: "read" | "write"; reason?: string; minutes?: number } = {},
): Promise<Taken> {
  const { status, body } = await operator.call<Taken>(
    `/api/v1/admin/tenants/${tenantId}/access-grants`,
    { method: "POST", body: { reason: "Looking into ticket 4711", ...grant } },
  );
  if (status !== 201) throw new Error(`grant: ${status} ${JSON.stringify(body)}`);
  return body;
}

/** A platform admin who has let themselves into the tenant. */
export async function newOperator(
  { id, slug }: TestTenant,
  mode: "read" | "write",
  base?: string,
): Promise<Person> {
  const operator = await newPlatformAdmin(base ? { base } : {});
  await takeGrant(operator, id, { mode });
  return naming(operator, { "x-tenant-id": slug });
}

/** One of each of what a tenant's own people cannot make: somebody was seen, and a platform admin let in. */
export async function furnish({ id, owner }: TestTenant): Promise<void> {
  await takeGrant(await newPlatformAdmin(), id);
  await placeRestoration(id);
  const seen = async () =>
    (await owner.call<{ data: unknown[] }>("/api/v1/sessions")).body.data.length;
  for (const end = Date.now() + 5000; (await seen()) === 0; )
    if (Date.now() > end) throw new Error("The owner was never seen");
}
