const capacity = 5000;

/**
 * Whether it is time to do a thing that is to be done once in `ms` at most; asking counts as doing. Remembers
 * as long as this process lives, and so much: forgetting costs work done twice, and never leaves it undone.
 */
export function oncePer(ms: number): (what: string, now: number) => boolean {
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
