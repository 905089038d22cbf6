import { type Goal, goals, judge } from "./goals.ts";
import type { Results } from "./results.ts";
import type { TargetName } from "./rounds.ts";
import type { Spread } from "./statistics.ts";

const titles: Record<TargetName, string> = {
  noop: "a Worker that does nothing",
  listFloor: "list: floor, the same statements and nothing else",
  list: "**list: product**",
  createFloor: "create: floor",
  create: "**create: product**",
};

const show = (spread: Spread | undefined, digits = 0): string =>
  spread
    ? `${spread.median.toFixed(digits)} (${spread.min.toFixed(digits)}..${spread.max.toFixed(digits)})`
    : "–";

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, column) => (column === 0 ? "---" : "--:"));
  return [head, rule, ...rows].map(row).join("\n");
}

const wanted = ({ atLeast, atMost }: Goal): string =>
  atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;

/** For people, as Markdown: medians, with the lowest and the highest round. */
export function report(results: Results): string {
  const { ratios, bundle, machine } = results;
  const speed = table(
    ["", "requests/s", "p50 ms", "p99 ms", "Worker CPU µs", "sqld CPU µs", "generator CPU µs"],
    results.targets.map((target) => [
      titles[target.name],
      show(target.perSecond),
      show(target.p50, 1),
      show(target.p99, 1),
      show(target.workerUs),
      show(target.sqldUs),
      show(target.generatorUs),
    ]),
  );
  const relations = table(
    ["product ÷ floor, per round", "requests/s", "Worker CPU", "Worker and sqld CPU"],
    (["list", "create"] as const).map((name) => {
      const { perSecond, workerCpu, cpu } = ratios[name];
      return [name, show(perSecond, 2), show(workerCpu, 2), show(cpu, 2)];
    }),
  );
  const sizes = table(
    ["", ""],
    [
      ["bundle, minified KB", (bundle.minifiedBytes / 1000).toFixed(1)],
      ["bundle, gzip KB", (bundle.gzipBytes / 1000).toFixed(1)],
      ["start to first byte, ms", show(results.firstByteMs)],
      ["first authenticated list after it, ms", show(results.firstListMs)],
    ],
  );
  const judged = table(
    ["goal", "wanted", "measured", "verdict"],
    goals.map((goal) => {
      const { measured, verdict } = judge(goal, results);
      return [
        goal.name,
        wanted(goal),
        measured === undefined ? "–" : `${+measured.toFixed(2)}`,
        verdict,
      ];
    }),
  );
  const circumstances = [
    `${results.requests} requests on ${machine.cores} × ${machine.model}, Node ${machine.node}, workerd without Miniflare;`,
    `load average ${machine.loadAverage.toFixed(1)} at the end;`,
    `generator and runtime alone are ${show(ratios.headroom, 1)} × as fast as the list's floor.`,
  ].join(" ");
  return [speed, relations, sizes, judged, circumstances].join("\n\n");
}
