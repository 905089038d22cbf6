import { unavailable } from "../core/error.ts";

/** Start times of the write batches under way, per database. Plain data: promises never cross requests. */
const writing = new Map<string, number[]>();
const pollMs = 4;

/**
 * Waits for one of `cap` places to write to a database; a place whose holder vanished frees itself
 * after `leaseMs`. A self-hosted sqld can lock up for good under many concurrent writers.
 * Returns how to give the place back.
 */
export async function takeWriter(
  database: string,
  cap: number,
  leaseMs: number,
  deadline: number,
): Promise<() => void> {
  for (;;) {
    const now = Date.now();
    const busy = (writing.get(database) ?? []).filter((start) => now - start < leaseMs);
    writing.set(database, busy);
    if (busy.length < cap) {
      busy.push(now);
      return () => release(database, now);
    }
    if (now >= deadline) throw unavailable(`${database} has too many writers`, undefined, 1);
    await new Promise((wake) => setTimeout(wake, pollMs + Math.random() * pollMs));
  }
}

function release(database: string, start: number): void {
  const busy = writing.get(database) ?? [];
  const place = busy.indexOf(start);
  if (place >= 0) busy.splice(place, 1);
  if (busy.length === 0) writing.delete(database);
}
