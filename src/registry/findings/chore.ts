import { lt } from "drizzle-orm";
import { must } from "../../db/write.ts";
import { commit } from "../commit.ts";
import type { RegistryScope } from "../scope.ts";
import { chores } from "./findings.table.ts";

/** Whether it is time for this again; then it is the caller's, and nobody else's for so long. */
export async function takeChore(
  scope: RegistryScope,
  name: string,
  everyMs: number,
): Promise<boolean> {
  const now = Date.now();
  const notYet = new Error("It is not time yet");
  const row = { name, startedAt: now };
  const taken = scope.db
    .insert(chores)
    .values(row)
    .onConflictDoUpdate({
      target: chores.name,
      set: { startedAt: now },
      setWhere: lt(chores.startedAt, now - everyMs),
    });
  return await commit(scope, [must(taken, () => notYet)]).then(
    () => true,
    (error) => {
      if (error !== notYet) throw error;
      return false;
    },
  );
}
