import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import { prefersGzip } from "./accept-encoding.ts";
import type { NameOptions } from "./prometheus-names.ts";
import { prometheusContentType, renderPrometheus } from "./prometheus-text.ts";

export interface ScrapeOptions {
  /** Called once per scrape; scrapes that arrive while it runs share its answer. */
  readonly source: () => Promise<CollectionResult>;
  /** How names are written. */
  readonly text?: NameOptions;
  /** Told why a scrape was answered with 500; the scraper only learns that it was. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Serves metrics to Prometheus. GET and HEAD only; gzip for those who ask. A collection that throws,
 * or that reports a part as failed, is a 500 without metrics: a page that is half there would look like counters
 * that went away. Never throws.
 */
export function createScrapeHandler(
  options: ScrapeOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  let running: Promise<Page> | undefined;

  const page = (): Promise<Page> => {
    running ??= collectPage(options).finally(() => {
      running = undefined;
    });
    return running;
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    if (request.url?.split("?", 1)[0] !== path) {
      return plain(404, `Not found. The metrics are at ${path}.\n`);
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, "Metrics can only be read: use GET or HEAD.\n", { allow: "GET, HEAD" });
    }
    const { text, gzipped } = await page();
    const headers = { "content-type": prometheusContentType, vary: "accept-encoding" };
    return prefersGzip(acceptEncodingOf(request))
      ? { status: 200, headers: { ...headers, "content-encoding": "gzip" }, body: await gzipped() }
      : { status: 200, headers, body: text };
  };

  return (request, response) => {
    void answer(request)
      .catch((error: unknown) => {
        options.onFailure?.(error);
        return plain(
          500,
          "The metrics could not be collected. The log of this program says why.\n",
        );
      })
      .then(({ status, headers, body }) => {
        response.writeHead(status, { ...headers, "content-length": body.byteLength });
        response.end(request.method === "HEAD" ? undefined : body);
      });
  };
}

interface Page {
  readonly text: Uint8Array;
  readonly gzipped: () => Promise<Uint8Array>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Where the page is. */
const path = "/metrics";

const compress = promisify(gzip);

async function collectPage(options: ScrapeOptions): Promise<Page> {
  const result = await options.source();
  if (result.errors.length > 0) {
    throw new AggregateError(result.errors, "A part of the metrics could not be collected.");
  }
  const text = Buffer.from(renderPrometheus(result, options.text));
  let gzipped: Promise<Uint8Array> | undefined;
  return {
    text,
    gzipped: () => {
      gzipped ??= compress(text);
      return gzipped;
    },
  };
}

function plain(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
    body: Buffer.from(text),
  };
}

function acceptEncodingOf(request: IncomingMessage): string | undefined {
  const header = request.headers["accept-encoding"];
  return Array.isArray(header) ? header.join(",") : header;
}
