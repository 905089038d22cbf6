import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { gzipSync } from "node:zlib";
import { type Sample, type Samples, type TargetName, targetNames } from "./rounds.ts";
import type { Start } from "./starts.ts";
import { type Spread, spreadOf } from "./statistics.ts";

type Measure = "perSecond" | "p50" | "p99" | "workerUs" | "sqldUs" | "cpuUs" | "generatorUs";
export type Results = ReturnType<typeof summarize>;

/** Undefined where this system does not give the measure. */
const spread = (numbers: readonly (number | undefined)[]): Spread | undefined =>
  numbers.every((number) => number !== undefined) ? spreadOf(numbers) : undefined;

function summaryOf(samples: readonly Sample[]) {
  const of = (measure: Measure) => spread(samples.map((sample) => sample[measure]));
  return {
    perSecond: of("perSecond"),
    p50: of("p50"),
    p99: of("p99"),
    workerUs: of("workerUs"),
    sqldUs: of("sqldUs"),
    generatorUs: of("generatorUs"),
  };
}

/** One against the other round by round: what disturbed the one disturbed the other. */
function ratiosOf(samples: Samples, product: TargetName, floor: TargetName) {
  const of = (measure: Measure) =>
    spread(
      samples[product].map((sample, round) => {
        const [above, below] = [sample[measure], samples[floor][round]?.[measure]];
        return above === undefined || below === undefined ? undefined : above / below;
      }),
    );
  return { perSecond: of("perSecond"), workerCpu: of("workerUs"), cpu: of("cpuUs") };
}

export function summarize(samples: Samples, starts: readonly Start[], bundle: string) {
  const code = readFileSync(bundle);
  const all = targetNames.flatMap((name) => samples[name]);
  return {
    targets: targetNames.map((name) => ({ name, ...summaryOf(samples[name]) })),
    ratios: {
      list: ratiosOf(samples, "list", "listFloor"),
      create: ratiosOf(samples, "create", "createFloor"),
      /** How much faster generator and runtime are than what is measured with them. */
      headroom: ratiosOf(samples, "noop", "listFloor").perSecond,
    },
    requests: all.reduce((sum, { answers }) => sum + answers, 0),
    failures: all.reduce((sum, { failures }) => sum + failures, 0),
    bundle: { minifiedBytes: code.length, gzipBytes: gzipSync(code, { level: 9 }).length },
    firstByteMs: spreadOf(starts.map(({ firstByteMs }) => firstByteMs)),
    firstListMs: spreadOf(starts.map(({ firstListMs }) => firstListMs)),
    machine: {
      cores: cpus().length,
      model: cpus()[0]?.model,
      node: process.version,
      loadAverage: loadavg()[0] ?? 0,
    },
    samples,
  };
}
