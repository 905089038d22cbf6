const capacity = 5000;

/**
 * Remembers, as long as this process lives, what was done less than `ms` ago: true for what was not.
 * The oldest give way: forgetting costs work done twice, and never leaves it undone.
 */
export function notDoneFor(ms: number): (what: string, now: number) => boolean {
  const done = new Map<string, number>();
  return (what, now) => {
    const last = done.get(what);
    if (last !== undefined && now - last < ms) return false;
    done.delete(what);
    done.set(what, now);
    for (const oldest of done.keys()) {
      if (done.size <= capacity) break;
      done.delete(oldest);
    }
    return true;
  };
}
