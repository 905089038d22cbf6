import { and, count, desc, eq, isNull, max, sql } from "drizzle-orm";
import { batch, statement } from "../../db/batch.ts";
import type { TenantDb } from "../../db/connect.ts";
import { auditLinks, auditLogs } from "../audit/audit.table.ts";
import { userIdentities, users } from "../users/users.table.ts";
import { schemaVersionQuery } from "./examine.ts";
import type { StampStatus } from "./identity.table.ts";

/** Databases of older releases lack the last ones. */
type Stamp = {
  readonly tenant_id: string;
  readonly slug: string;
  readonly name: string;
  readonly status: StampStatus;
  readonly created_at: number;
  readonly plan?: string;
  readonly organization_id?: string | null;
  readonly delete_after?: number | null;
  readonly held_at?: number | null;
};

/** All a tenant's database knows of itself that the registry keeps too. */
export async function testify(db: TenantDb) {
  const { issuer, subject, createdAt, userId } = userIdentities;
  const { sequence, mac } = auditLinks;
  const [[stamp], [schema], [latest], [end], [links], people] = await batch(db, "read", [
    statement<Stamp>(db, sql`select * from tenant_identity`),
    schemaVersionQuery(db),
    db.select({ at: max(auditLogs.at) }).from(auditLogs),
    db.select({ sequence, mac }).from(auditLinks).orderBy(desc(sequence)).limit(1),
    db.select({ links: count() }).from(auditLinks),
    db
      .select({ issuer, subject, role: users.tenantRole, createdAt })
      .from(userIdentities)
      .innerJoin(users, and(eq(users.id, userId), isNull(users.deletedAt))),
  ] as const);
  const head = end && { ...end, links: links?.links ?? 0 };
  return {
    stamp,
    schemaVersion: schema?.version ?? 0,
    lastChangeAt: latest?.at ?? 0,
    head,
    people,
  };
}
export type Testimony = Awaited<ReturnType<typeof testify>>;
