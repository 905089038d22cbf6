import { and, count, eq, ne, or, sql } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { write } from "../../db/write.ts";
import type { Directory } from "../../tenant/scope.ts";
import { isPlatformAdmin } from "../admins/admins.service.ts";
import { findHead } from "../audit/heads.service.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import { tenants } from "../tenants/tenants.table.ts";
import { memberships } from "./memberships.table.ts";

/** The index of one tenant's members, kept by the tenant's own features after they changed the authority. */
export function createDirectory(opened: RegistryScope, tenantId: string): Directory {
  // The index follows what the tenant's batch has done: a repeated request repeats it.
  const { once: _, ...scope } = opened;
  const { db, request } = scope;
  const rowOf = (person: { issuer: string; subject: string }) =>
    and(
      eq(memberships.issuer, person.issuer),
      eq(memberships.subject, person.subject),
      eq(memberships.tenantId, tenantId),
    );
  return {
    async findMembership(person) {
      const { role, accountRole, status } = memberships;
      const [[row]] = await batch(db, "read", [
        db.select({ role, accountRole, status }).from(memberships).where(rowOf(person)),
      ] as const);
      return row;
    },
    async saveMemberships(people) {
      if (people.length === 0) return;
      const rows = people.map(({ issuer, subject, role }) => ({
        issuer,
        subject,
        tenantId,
        role,
        status: "active" as const,
        createdAt: request.now,
      }));
      const saved = { role: sql`excluded.role`, status: sql`excluded.status` };
      const target = [memberships.issuer, memberships.subject, memberships.tenantId];
      await commit(scope, [
        write(db.insert(memberships).values(rows).onConflictDoUpdate({ target, set: saved })),
      ]);
    },
    async removeMemberships(people) {
      if (people.length === 0) return;
      await commit(scope, [write(db.delete(memberships).where(or(...people.map(rowOf))))]);
    },
    async belongsElsewhere({ issuer, subject }) {
      const theirs = and(eq(memberships.issuer, issuer), eq(memberships.subject, subject));
      const [[found]] = await batch(db, "read", [
        db
          .select({ rows: count() })
          .from(memberships)
          .where(and(theirs, ne(memberships.tenantId, tenantId))),
      ] as const);
      return (found?.rows ?? 0) > 0;
    },
    isOperator: (identity) => isPlatformAdmin(scope, identity),
    findAuditHead: () => findHead(scope, tenantId),
    async rename(name) {
      const change = { name, updatedAt: request.now, version: sql`${tenants.version} + 1` };
      await commit(scope, [write(db.update(tenants).set(change).where(eq(tenants.id, tenantId)))]);
    },
  };
}
