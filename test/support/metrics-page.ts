import { get } from "node:http";

/** A page in Prometheus' text format. */
export interface MetricsPage {
  readonly text: string;
  /** The sum of the series of this name whose labels include these. 0 when there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/**
 * Scrapes `url`. Rejects unless the answer is 200. Each scrape has a connection of its own: one that is kept could be closed at the
 * moment in which it is used again.
 */
export async function scrape(url: string): Promise<MetricsPage> {
  const { status, text } = await new Promise<{ readonly status: number; readonly text: string }>(
    (resolve, reject) => {
      const request = get(url, { agent: false }, (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.once("error", reject);
        response.once("end", () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
        );
      });
      request.once("error", reject);
    },
  );
  if (status !== 200) {
    throw new Error(`${url} answered ${status}: ${text}`);
  }
  return metricsPage(text);
}

/** Reads a page. */
export function metricsPage(text: string): MetricsPage {
  const series = text.split("\n").flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    return match === null
      ? []
      : [{ name: match[1]!, labels: match[2] ?? "", value: Number(match[3]) }];
  });
  return {
    text,
    sum: (name, labels = {}) =>
      series
        .filter(
          (each) =>
            each.name === name &&
            Object.entries(labels).every(([label, value]) =>
              `,${each.labels},`.includes(`,${label}="${value}",`),
            ),
        )
        .reduce((sum, { value }) => sum + value, 0),
  };
}

/** Markers evicted, over all reasons. */
export function evictedOn(page: MetricsPage): number {
  return page.sum("openclaw_session_activity_evicted_total");
}
