import { count, isNotNull, min } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { isoOrNull } from "../../db/columns.ts";
import type { WorkScope } from "../scope.ts";
import type { CredentialsReport } from "./credentials.schema.ts";
import { tenants } from "./tenants.table.ts";

/** Which keys seal how many tenants' tokens: one that seals none may leave the ring. */
export async function reportCredentials({ db, keyRing }: WorkScope): Promise<CredentialsReport> {
  const { sealedWith, sealedToken, tokenExpiresAt } = tenants;
  const [rows, [next]] = await batch(db, "read", [
    db
      .select({ kid: sealedWith, tenants: count() })
      .from(tenants)
      .where(isNotNull(sealedToken))
      .groupBy(sealedWith),
    db.select({ expiresAt: min(tokenExpiresAt) }).from(tenants),
  ] as const);
  const counted = new Map(rows.map(({ kid, tenants: many }) => [kid, many]));
  const ring = keyRing.map(({ kid }) => kid);
  const kids = [...new Set([...ring, ...counted.keys()])];
  return {
    keys: kids.map((kid) => ({
      kid,
      inRing: kid === null || ring.includes(kid),
      seals: kid === ring[0],
      tenants: counted.get(kid) ?? 0,
    })),
    nextTokenExpiresAt: isoOrNull(next?.expiresAt ?? null),
  };
}
