import { readdirSync, readFileSync } from "node:fs";

/** The middle value; of an even number of values the upper one. 0 for none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Median of the quotients of values that were measured side by side. */
export function medianRatio(values: readonly number[], bases: readonly number[]): number {
  return median(values.map((value, index) => value / (bases[index] ?? Number.NaN)));
}

/** CPU time a process has used so far, user and system, of all threads that still run. Linux only. */
export function cpuSecondsOf(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const [ns] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ", 1);
      return sum + Number(ns) / 1e9;
    }, 0);
  } catch {
    // Kernels without scheduler statistics count in ticks of 10 ms.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }
}

/** Resident memory of a process in MiB. Linux only. */
export function rssMiBOf(pid: number): number {
  const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib ?? 0) / 1024;
}
