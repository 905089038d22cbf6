import { sql } from "drizzle-orm";
import { ApiError } from "../../core/error.ts";
import { statement } from "../../db/batch.ts";
import { recall } from "../../db/once.ts";
import { write } from "../../db/write.ts";
import type { IdentityProvider } from "../../identity/identity-provider.ts";
import { commit } from "../commit.ts";
import type { IdentityScope } from "../scope.ts";

/**
 * Written down before it is done: what the provider does nobody can undo by losing a line. A repeated
 * request does nothing more, once the first was done.
 */
export async function setBlocked(
  { once, ...scope }: IdentityScope,
  people: IdentityProvider,
  subject: string,
  blocked: boolean,
): Promise<void> {
  if (people.kind === "none")
    throw new ApiError("identity_management_off", "This deployment does not manage identities");
  if (once && (await recall(scope.db, once, []))) return;
  const entry = sql`insert into audit_entries values ('identities', ${subject}, 'UPDATE',
    '["blocked"]', json_array(${blocked ? 0 : 1}), json_array(${blocked ? 1 : 0}), '')`;
  await commit(scope, [write(statement(scope.db, entry))]);
  if (!(await people.setBlocked(subject, blocked)))
    throw new ApiError("not_found", "The provider knows nobody with this subject");
  if (once) await commit({ ...scope, once }, []);
}
