import type { Migration } from "../../src/registry/migrations/migrations.schema.ts";

type Terminal = Pick<NodeJS.WriteStream, "write"> & { readonly isTTY?: boolean };
const width = 30;
const everyMs = 5000;

/** Shows how far a run is: a bar on a terminal, elsewhere a line now and then. */
export function showProgress(terminal: Terminal, isCi: boolean) {
  const inPlace = terminal.isTTY === true && !isCi;
  let last = 0;
  return {
    tell(run: Migration): void {
      const over = run.status !== "running";
      if (!inPlace && !over && Date.now() - last < everyMs) return;
      last = Date.now();
      terminal.write(inPlace ? `\r\x1b[2K${barOf(run)} ${lineOf(run)}` : `${lineOf(run)}\n`);
      if (inPlace && over) terminal.write("\n");
    },
  };
}

const doneOf = ({ migrated, failed, skipped }: Migration) => migrated + failed + skipped;

function barOf(run: Migration): string {
  const full = Math.round((width * doneOf(run)) / Math.max(run.total, 1));
  return `[${"#".repeat(Math.min(full, width)).padEnd(width, "·")}]`;
}

export function lineOf(run: Migration): string {
  const { total, failed, wave, perSecond, secondsLeft, status } = run;
  const parts = [
    `${doneOf(run)}/${total}`,
    status === "running" ? `wave ${wave.name}` : status,
    failed > 0 ? `${failed} failed` : "",
    perSecond === null ? "" : `${perSecond}/s`,
    secondsLeft === null ? "" : `${Math.ceil(secondsLeft)} s left`,
  ];
  return parts.filter(Boolean).join(", ");
}
