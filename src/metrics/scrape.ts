import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import { Negotiator } from "negotiator";
import type { NameOptions } from "./prometheus-names.ts";
import { lineNamesIn, prometheusContentType, renderPrometheus } from "./prometheus-text.ts";

export interface ScrapeOptions {
  /** Called once per scrape. Scrapes that arrive while it runs share its page. */
  readonly source: () => Promise<CollectionResult>;
  readonly text?: NameOptions;
  /** What else is on the page, in the same format. It must not have lines of these names. */
  readonly rest?: (taken: ReadonlySet<string>) => Promise<string>;
  /** Called with the cause of an answer of 500, which does not contain it. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Serves metrics to Prometheus at `/metrics`: GET and HEAD, with gzip if the client prefers it. If the collection throws or reports
 * an error, the answer is 500 without metrics, because in half a page the other counters would seem to vanish.
 *
 * Keeps the page while scrapes share it.
 */
export function createScrapeHandler(
  options: ScrapeOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  let running: Promise<Page> | undefined;

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    if (request.url?.split("?", 1)[0] !== path) {
      return plain(404, `Not found. The metrics are at ${path}.\n`);
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return plain(405, "Metrics can only be read: use GET or HEAD.\n", { allow: "GET, HEAD" });
    }
    running ??= collectPage(options).finally(() => {
      running = undefined;
    });
    const page = await running;
    const headers = { "content-type": prometheusContentType, vary: "accept-encoding" };
    if (!prefersGzip([request.headers["accept-encoding"] ?? []].flat().join(","))) {
      return { status: 200, headers, body: page.text };
    }
    page.gzipped ??= compress(page.text);
    const body = await page.gzipped;
    return { status: 200, headers: { ...headers, "content-encoding": "gzip" }, body };
  };

  return async (request, response) => {
    let answered: Answer;
    try {
      answered = await answer(request);
    } catch (error) {
      options.onFailure?.(error);
      answered = plain(
        500,
        "The metrics could not be collected. The log of this program says why.\n",
      );
    }
    const { status, headers, body } = answered;
    response.writeHead(status, { ...headers, "content-length": body.byteLength });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

interface Page {
  readonly text: Uint8Array;
  /** Compressed for the first scrape that wants it. */
  gzipped?: Promise<Uint8Array>;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const path = "/metrics";
const compress = promisify(gzip);

async function collectPage({ source, text, rest }: ScrapeOptions): Promise<Page> {
  const result = await source();
  if (result.errors.length > 0) {
    throw new AggregateError(result.errors, "A part of the metrics could not be collected.");
  }
  const page = renderPrometheus(result, text);
  const taken = lineNamesIn(result, text);
  const more = (await rest?.(taken)) ?? "";
  // Of no metrics at all, the serializer writes a comment that says so.
  return { text: Buffer.from(taken.size === 0 && more !== "" ? more : `${page}${more}`) };
}

/**
 * Whether a client with this `Accept-Encoding` header accepts gzip and prefers the plain body no more (RFC 9110, 12.5.3). Without a
 * header, or with a weight that is no number, it gets the plain body.
 */
export function prefersGzip(header = ""): boolean {
  // The RFC asks servers to treat this old name as gzip.
  const accepted = header.replaceAll(/\bx-gzip\b/gi, "gzip");
  const client = new Negotiator({ headers: { "accept-encoding": accepted } });
  return client.encoding(["gzip", "identity"], { preferred: ["gzip"] }) === "gzip";
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
