import type { Results } from "./results.ts";

export type Goal = {
  readonly name: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly of: (results: Results) => number | undefined;
};

/** What the product promises. Nothing in seconds: those differ from machine to machine. */
export const goals: readonly Goal[] = [
  {
    name: "list, requests/s ÷ floor",
    atLeast: 0.55,
    of: ({ ratios }) => ratios.list.perSecond?.median,
  },
  {
    // No limit of the platform's: what is larger starts later.
    name: "bundle, gzip KB",
    atMost: 230,
    of: ({ bundle }) => bundle.gzipBytes / 1000,
  },
  {
    name: "failed requests",
    atMost: 0,
    of: ({ failures }) => failures,
  },
];

/** How far off a measurement may be before the gate closes: what one run differs from the next. */
const tolerance = 0.1;

export function judge(
  { atLeast = Number.NEGATIVE_INFINITY, atMost = Infinity, of }: Goal,
  results: Results,
) {
  const measured = of(results);
  if (measured === undefined) return { measured, verdict: "not measured" } as const;
  if (measured >= atLeast && measured <= atMost) return { measured, verdict: "met" } as const;
  const near = measured >= atLeast * (1 - tolerance) && measured <= atMost * (1 + tolerance);
  return { measured, verdict: near ? "narrowly missed" : "missed" } as const;
}
