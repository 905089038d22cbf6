import { count } from "drizzle-orm";
import { newId } from "../src/core/id.ts";
import { batch } from "../src/db/batch.ts";
import type { Settings } from "../src/env.ts";
import { users } from "../src/tenant/users/users.table.ts";
import { call } from "../src/testing/client.ts";
import { openTenant } from "../src/testing/databases.ts";

export type Tenant = {
  readonly id: string;
  /** Of a request of its owner. */
  readonly headers: Readonly<Record<string, string>>;
};

/** Signs tenants up over HTTP, all owned by the bearer of the token. */
export async function signUp(url: string, token: string, number: number): Promise<Tenant[]> {
  const authorization = `Bearer ${token}`;
  const tenants: Tenant[] = [];
  for (let n = 1; n <= number; n++) {
    const slug = `bench-${n}`;
    const { status, body } = await call<{ id: string }>(`${url}/api/v1/tenants/register`, {
      method: "POST",
      headers: { authorization },
      body: { name: `Bench ${n}`, slug },
    });
    if (status !== 201) throw new Error(`registration: ${status} ${JSON.stringify(body)}`);
    tenants.push({ id: body.id, headers: { authorization, "x-tenant-id": slug } });
  }
  return tenants;
}

/** Adds users until, with the owner, there are `total`. */
export async function fill(settings: Settings, { id }: Tenant, total: number): Promise<void> {
  const db = await openTenant(settings, id);
  const now = Date.now();
  const rows = Array.from({ length: total - 1 }, (_, n) => ({
    id: newId("user"),
    email: `person-${n}@bench.test`,
    name: `Person Number ${n}`,
    status: "active" as const,
    tenantRole: "member" as const,
    createdAt: now + n,
    updatedAt: now + n,
  }));
  await batch(db, "write", [db.insert(users).values(rows)]);
}

/** Users in all these tenants together. */
export async function countUsers(settings: Settings, tenants: readonly Tenant[]): Promise<number> {
  let sum = 0;
  for (const { id } of tenants) {
    const db = await openTenant(settings, id);
    const [[row]] = await batch(db, "read", [db.select({ total: count() }).from(users)] as const);
    sum += row?.total ?? 0;
  }
  return sum;
}
