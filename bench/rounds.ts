import { cpuMicros } from "./cpu.ts";
import { createPath, listPath } from "./floor.ts";
import type { Fired, Load, startGenerator } from "./load.ts";
import type { Stage } from "./stage.ts";
import type { Program } from "./workerd.ts";

/** In the order in which every round asks them. */
export const targetNames = ["noop", "listFloor", "list", "createFloor", "create"] as const;
export type TargetName = (typeof targetNames)[number];
export type Sample = Fired & {
  /** Processor time per request, in microseconds; undefined where the system does not tell. */
  readonly workerUs: number | undefined;
  readonly sqldUs: number | undefined;
  /** Of both together: the steadiest of all measures while the machine has other work. */
  readonly cpuUs: number | undefined;
};
export type Samples = Record<TargetName, Sample[]>;
type Target = { readonly program: Program } & Pick<Load, "calls" | "connections" | "status">;

const settleMs = 250;
const writers = 8;

function targetsOf({ product, floor, listed, written }: Stage, connections: number) {
  const json = "application/json";
  const creates = written.map(({ headers }) => ({
    method: "POST",
    path: createPath,
    headers: { ...headers, "content-type": json },
    body: '{"email":"person-{n}@made.test","name":"Ada Lovelace"}',
  }));
  const at = (path: string) => [{ path }];
  return {
    noop: { program: floor, calls: at("/"), connections, status: 200 },
    listFloor: { program: floor, calls: at("/list"), connections, status: 200 },
    list: {
      program: product,
      calls: [{ path: listPath, headers: listed.headers }],
      connections,
      status: 200,
    },
    createFloor: { program: floor, calls: at("/create"), connections: writers, status: 200 },
    create: { program: product, calls: creates, connections: writers, status: 201 },
  } satisfies Record<TargetName, Target>;
}

/**
 * Loads the targets one at a time and in turn, so that what else the machine does falls on all alike.
 * The first round only warms up.
 */
export async function runRounds(
  stage: Stage,
  { fire }: ReturnType<typeof startGenerator>,
  options: { rounds: number; seconds: number; connections: number },
): Promise<Samples> {
  const targets = targetsOf(stage, options.connections);
  const samples: Samples = { noop: [], listFloor: [], list: [], createFloor: [], create: [] };
  const before = await stage.countWritten();
  let made = 0;
  for (let round = 0; round <= options.rounds; round++)
    for (const name of targetNames) {
      const { program, ...load } = targets[name];
      const spentSince = clockOf(program.pid, stage.sqldPid);
      const measureMs = options.seconds * 1000;
      const fired = await fire({ url: program.url, ...load, settleMs, measureMs });
      if (name.startsWith("create")) made += fired.answers - fired.failures;
      if (round > 0) samples[name].push({ ...fired, ...spentSince(fired.answers) });
    }
  // A pipeline answers 200 also when its statements failed: only the rows prove the floor's work.
  const rows = (await stage.countWritten()) - before;
  if (rows !== made) throw new Error(`${made} users were made, but ${rows} are there`);
  return samples;
}

/** Starts counting processor time; asked later, it tells the share of each of so many requests. */
function clockOf(workerPid: number, sqldPid: number) {
  const [worker, sqld] = [cpuMicros(workerPid), cpuMicros(sqldPid)];
  return (requests: number) => {
    const [workerNow, sqldNow] = [cpuMicros(workerPid), cpuMicros(sqldPid)];
    if (!worker || !sqld || !workerNow || !sqldNow)
      return { workerUs: undefined, sqldUs: undefined, cpuUs: undefined };
    const [workerUs, sqldUs] = [(workerNow - worker) / requests, (sqldNow - sqld) / requests];
    return { workerUs, sqldUs, cpuUs: workerUs + sqldUs };
  };
}
