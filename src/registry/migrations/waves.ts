import type { RunOptions } from "./migrations.table.ts";

/** A rollout begins with few and goes on to all. */
export const waves = ["canary", "1%", "10%", "all"] as const;

/** How many tenants each wave tries; the last one takes whoever is left. */
export function waveSizes(total: number, canaries: number): number[] {
  const sizes: number[] = [];
  let left = total;
  for (const wanted of [canaries, Math.ceil(total / 100), Math.ceil(total / 10), total]) {
    const size = Math.min(left, wanted);
    left -= size;
    sizes.push(size);
  }
  return sizes;
}

/** As many failures a wave of this size may have and go on. */
export const bearable = (haltAfter: RunOptions["haltAfter"], size: number): number =>
  "failures" in haltAfter
    ? haltAfter.failures
    : Math.floor((haltAfter.percent / 100) * Math.max(size, 1));

type Standing = {
  readonly total: number;
  readonly options: RunOptions;
  readonly wave: number;
  readonly waveTried: number;
  readonly waveFailed: number;
};

export const sizeOf = ({ total, options, wave }: Standing): number =>
  waveSizes(total, options.canaries.length)[wave] ?? 0;

export const isLast = ({ wave }: Pick<Standing, "wave">): boolean => wave >= waves.length - 1;

/** How many more the present wave is to try; the last one has no end of its own. */
export const roomIn = (run: Standing): number =>
  isLast(run) ? Number.POSITIVE_INFINITY : Math.max(0, sizeOf(run) - run.waveTried);

/** Where a run stands after so many tenants were tried: the same wave, the next that has room, or halted. */
export function advance(run: Standing, tried: number, failed: number) {
  const after = {
    ...run,
    waveTried: run.waveTried + tried,
    waveFailed: run.waveFailed + failed,
  };
  const { wave, waveTried, waveFailed } = after;
  if (failed > 0 && waveFailed > bearable(run.options.haltAfter, sizeOf(run)))
    return { status: "halted", wave, waveTried, waveFailed } as const;
  return { status: "running", ...nextWith(after) } as const;
}

/** The first wave from this one on that has room. */
function nextWith(run: Standing): Pick<Standing, "wave" | "waveTried" | "waveFailed"> {
  const { wave, waveTried, waveFailed } = run;
  if (roomIn(run) > 0) return { wave, waveTried, waveFailed };
  return nextWith({ ...run, wave: wave + 1, waveTried: 0, waveFailed: 0 });
}
