import { unavailable } from "../core/error.ts";

/** Plain data: promises never cross requests. */
type Ticket = { seen: number };
type Line = { busy: number[]; waiting: Ticket[] };

/** Per database: when each write batch under way began, and who is next, in order of arrival. */
const lines = new Map<string, Line>();
const pollMs = 5;
/** Who has not looked for so long is gone: its request was cancelled. */
const vanishedMs = 200;

/**
 * Waits for one of `cap` places to write to a database, first come, first served; a place whose
 * holder vanished frees itself after `leaseMs`. A self-hosted sqld can lock up for good under many
 * concurrent writers. Returns how to give the place back.
 */
export async function takeWriter(
  { key, label }: { readonly key: string; readonly label: string },
  cap: number,
  leaseMs: number,
  deadline: number,
): Promise<() => void> {
  const ticket: Ticket = { seen: 0 };
  for (;;) {
    const now = Date.now();
    const line = lines.get(key) ?? { busy: [], waiting: [] };
    lines.set(key, line);
    ticket.seen = now;
    line.busy = line.busy.filter((start) => now - start < leaseMs);
    line.waiting = line.waiting.filter(({ seen }) => now - seen < vanishedMs);
    if (!line.waiting.includes(ticket)) line.waiting.push(ticket);
    const before = line.waiting.indexOf(ticket);
    if (line.busy.length + before < cap) {
      leave(line.waiting, ticket);
      line.busy.push(now);
      return () => release(key, now);
    }
    if (now >= deadline) {
      leave(line.waiting, ticket);
      throw unavailable(`${label} has too many writers`, undefined, 1);
    }
    const pause = before < cap ? 1 : pollMs;
    await new Promise((wake) => setTimeout(wake, pause + Math.random() * pause));
  }
}

function release(key: string, start: number): void {
  const line = lines.get(key);
  if (!line) return;
  leave(line.busy, start);
  if (line.busy.length + line.waiting.length === 0) lines.delete(key);
}

function leave<T>(line: T[], one: T): void {
  const place = line.indexOf(one);
  if (place >= 0) line.splice(place, 1);
}
