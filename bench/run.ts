// npm run bench: the product beside the least that could do its work, on this machine.
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { readArguments } from "../scripts/stack/arguments.ts";
import { refusal, runProgram } from "../scripts/stack/refusal.ts";
import { goals, judge } from "./goals.ts";
import { startGenerator } from "./load.ts";
import { report } from "./report.ts";
import { summarize } from "./results.ts";
import { runRounds } from "./rounds.ts";
import { setStage } from "./stage.ts";
import { timeStarts } from "./starts.ts";

const usage =
  "npm run bench -- [--rounds 7] [--seconds 2] [--connections 20] [--json FILE] [--gate]";
const starts = 5;

function whole(name: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw refusal(`--${name} ${text} is no whole number above 0. Usage: ${usage}`);
}

/** Runs `work`, then takes down what it put up, last first, however it ended. */
async function withCleanup(work: (onEnd: (stop: () => unknown) => void) => Promise<void>) {
  const undo: (() => unknown)[] = [];
  const cleanUp = async () => {
    for (let stop = undo.pop(); stop; stop = undo.pop()) await stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void cleanUp().finally(() => process.exit(1)));
  try {
    await work((stop) => undo.push(stop));
  } finally {
    await cleanUp();
  }
}

await runProgram(async () => {
  const options = readArguments(
    {
      rounds: { type: "string", default: "7" },
      seconds: { type: "string", default: "2" },
      connections: { type: "string", default: "20" },
      json: { type: "string" },
      gate: { type: "boolean", default: false },
    },
    usage,
  );
  const settings = {
    rounds: whole("rounds", options.rounds),
    seconds: whole("seconds", options.seconds),
    connections: whole("connections", options.connections),
  };
  const file = options.json && resolve(options.json);
  process.chdir(join(import.meta.dirname, ".."));
  await withCleanup(async (onEnd) => {
    const stage = await setStage(onEnd);
    const generator = startGenerator();
    onEnd(generator.stop);
    const samples = await runRounds(stage, generator, settings);
    const results = summarize(samples, await timeStarts(stage, starts), stage.bundle);
    console.log(report(results));
    if (file) writeFileSync(file, `${JSON.stringify({ settings, ...results }, null, 2)}\n`);
    const missed = goals.filter((goal) => judge(goal, results).verdict === "missed");
    if (options.gate && missed.length > 0) process.exitCode = 1;
  });
  process.exit();
});
