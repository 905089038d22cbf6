/** One request on its way to the database server. */
export type Passage = {
  /** `data` carries SQL, `admin` creates namespaces. */
  readonly door: "data" | "admin";
  readonly method: string;
  readonly path: string;
  /** Which database: `registry`, or the name derived from a tenant's id. */
  readonly namespace: string | undefined;
  readonly body: string;
};

export type Reply = {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
  /** When its second half may follow. */
  readonly rest?: Promise<unknown>;
};

export type Disturbance = {
  /** Only requests for which this holds; every request without it. */
  readonly of?: (passage: Passage) => boolean;
  /** `request`: before the server sees it. `reply`: the server did it, and the caller does not know. */
  readonly at: "request" | "reply";
  /**
   * Wait until lifted; wait for so many milliseconds; break the connection; send half of the reply and
   * then nothing until lifted; or say something else.
   */
  readonly by:
    | "hold"
    | "cut"
    | "stall"
    | { readonly delayMs: number }
    | { readonly answer: Partial<Reply> };
  /** How often at most; for ever without it. */
  readonly times?: number;
};

export type Disturbed = {
  /** How often it struck. */
  readonly struck: number;
  /** Resolves at the first strike. */
  readonly first: Promise<void>;
  /** Ends it, and lets everything held go on. */
  lift(): void;
};

type Active = Disturbance & { left: number; strike(): void; readonly lifted: Promise<void> };

/** What goes wrong on a line at the moment. */
export function createDisturbances() {
  const active = new Set<Active>();

  function claim(passage: Passage, at: Disturbance["at"]): Active | undefined {
    const found = [...active]
      .reverse()
      .find((one) => one.at === at && one.left > 0 && (one.of?.(passage) ?? true));
    if (found) found.left--;
    found?.strike();
    return found;
  }

  return {
    /** Of several that match, the newest counts. */
    disturb(disturbance: Disturbance): Disturbed {
      const struck = Promise.withResolvers<void>();
      const lifted = Promise.withResolvers<void>();
      let strikes = 0;
      const strike = () => {
        strikes++;
        struck.resolve();
      };
      const left = disturbance.times ?? Number.POSITIVE_INFINITY;
      const one: Active = { ...disturbance, left, strike, lifted: lifted.promise };
      active.add(one);
      return {
        get struck() {
          return strikes;
        },
        first: struck.promise,
        lift() {
          active.delete(one);
          lifted.resolve();
        },
      };
    },
    /** Waits as a disturbance says, until the caller is gone; returns what it changes of the reply. */
    async suffer(passage: Passage, at: Disturbance["at"], gone: Promise<unknown>) {
      const disturbance = claim(passage, at);
      if (!disturbance) return undefined;
      const { by, lifted } = disturbance;
      if (by === "cut") return by;
      if (by === "stall") return { rest: Promise.race([lifted, gone]) };
      if (by === "hold") await Promise.race([lifted, gone]);
      else if ("answer" in by) return by.answer;
      else await new Promise((wake) => setTimeout(wake, by.delayMs));
      return undefined;
    },
  };
}
