import { setTimeout as delay } from "node:timers/promises";

/** The line of one series on a metrics page, with its labels in any order. */
export function metricOf(page: string, series: string): string {
  const wanted = partsOf(series);
  const found = page
    .split("\n")
    .find((line) => partsOf(line.slice(0, line.lastIndexOf(" "))) === wanted);
  if (found === undefined) {
    throw new Error(`The metrics page has no ${series}.`);
  }
  return found;
}

/** Waits until a condition holds; rejects after ten seconds, or when `signal` aborts. */
export async function until(
  what: string,
  holds: () => boolean,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 200) {
      throw new Error(`Waited ten seconds until ${what}.`);
    }
    await delay(50, undefined, { signal });
  }
}

function partsOf(series: string): string {
  return series.split(/[{},]/).filter(Boolean).sort().join();
}
