import { and, asc, gt, lt } from "drizzle-orm";
import { batch } from "../../db/batch.ts";
import { invitations } from "./invitations.table.ts";
import { deliver, type Issuer, lettersQuery } from "./issue.ts";

/** The request that made the invitation is still at it. */
const leftAloneMs = 60_000;
/** What could not be sent for a day is for a person to look at: they see it is unsent, and resend it. */
const triedMs = 86_400_000;
const most = 20;

/** Sends the mails that did not leave when they should have. Returns how many went. */
export async function deliverUnsent(issuer: Issuer): Promise<number> {
  const { db, request } = issuer;
  const { issuedAt, expiresAt, createdAt } = invitations;
  const due = and(
    lt(issuedAt, request.now - leftAloneMs),
    gt(issuedAt, request.now - triedMs),
    gt(expiresAt, request.now),
  );
  const [letters] = await batch(db, "read", [
    lettersQuery(issuer, due).orderBy(asc(createdAt)).limit(most),
  ] as const);
  let sent = 0;
  for (const letter of letters) if (await deliver(issuer, letter)) sent++;
  return sent;
}
