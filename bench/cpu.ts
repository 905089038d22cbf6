import { existsSync, readFileSync } from "node:fs";

/** Linux counts in hundredths of a second, whatever the hardware. */
const microsPerTick = 10_000;

/** Processor time a process has taken, all its threads together; undefined where there is no /proc. */
export function cpuMicros(pid: number): number | undefined {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  const stat = readFileSync(path, "utf8");
  // Counted after the name, which may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * microsPerTick;
}
