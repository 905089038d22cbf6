import { clientOf, type Database } from "./connect.ts";
import { asFault, isTransient } from "./faults.ts";

const firstPauseMs = 50;
const longestPauseMs = 2000;

/**
 * Waits until the database answers, for as long as its server does not know it yet and `until` is
 * not past. A hosted platform may hand out the address of a new database seconds before it works:
 * longer and rarer tries than those of `batch`, as a Worker's requests are counted.
 */
export async function untilReady(db: Database, until: number): Promise<void> {
  const client = clientOf(db);
  for (let pause = firstPauseMs; ; pause = Math.min(2 * pause, longestPauseMs)) {
    try {
      await client.execute("select 1");
      return;
    } catch (error) {
      if (Date.now() + pause > until || !isTransient(error)) throw asFault(error, db.label);
      await new Promise((wake) => setTimeout(wake, pause));
    }
  }
}
