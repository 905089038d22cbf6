import { and, count, eq } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { iso, isoOrNull } from "../../db/columns.ts";
import { pageOf } from "../../db/page.ts";
import type { RegistryScope } from "../scope.ts";
import type { Finding, FindingsQuery } from "./findings.schema.ts";
import { findings } from "./findings.table.ts";

export async function listFindings({ db }: RegistryScope, query: FindingsQuery) {
  const { kind, tenantId } = query;
  const page = pageOf(query, {
    list: "findings",
    columns: { firstSeenAt: findings.firstSeenAt },
    id: findings.id,
  });
  const filter = and(
    kind && eq(findings.kind, kind),
    tenantId ? eq(findings.tenantId, tenantId) : undefined,
  );
  const [rows, [counted]] = await batch(db, "read", [
    db
      .select()
      .from(findings)
      .where(and(filter, page.after))
      .orderBy(...page.orderBy)
      .limit(page.limit)
      .offset(page.offset),
    db.select({ total: count() }).from(findings).where(filter),
  ] as const);
  return page.result(rows, counted?.total ?? 0, (row) => [row.firstSeenAt, row.id], toWire);
}

const toWire = (row: typeof findings.$inferSelect): Finding => ({
  ...row,
  firstSeenAt: iso(row.firstSeenAt),
  lastSeenAt: iso(row.lastSeenAt),
  quarantinedAt: isoOrNull(row.quarantinedAt),
});
