import { createServer, type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import { afterEach, expect, test } from "vitest";
import { createScrapeHandler, prefersGzip, type ScrapeOptions } from "../../src/metrics/scrape.ts";
import { deferred } from "../support/deferred.ts";
import { sampleMetrics } from "./sample.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) {
    close();
  }
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Serves on a free port. Returns a function that sends a request. */
async function serve(options: ScrapeOptions, onHandled: () => void = () => {}) {
  const handler = createScrapeHandler(options);
  const server = createServer((incoming, response) => {
    handler(incoming, response);
    onHandled();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (path: string, method = "GET", headers: Record<string, string> = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      request({ host: "127.0.0.1", port, path, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({
            status: response.statusCode,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      })
        .on("error", reject)
        .end();
    });
}

const source = () => sampleMetrics().reader.collect();

test("a scrape gets the page with the content type of the text format", async () => {
  const get = await serve({ source });
  const { status, headers, body } = await get("/metrics?name=x");
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(headers["content-encoding"]).toBeUndefined();
  expect(Number(headers["content-length"])).toBe(body.byteLength);
  expect(body.toString()).toContain("# TYPE openclaw_session_activity_evicted_total counter\n");
});

test("gzip is the same page, for clients that prefer it", async () => {
  const get = await serve({ source });
  const plain = await get("/metrics");
  const zipped = await get("/metrics", "GET", { "accept-encoding": "gzip" });
  expect(zipped.headers["content-encoding"]).toBe("gzip");
  expect(zipped.headers["vary"]).toBe("accept-encoding");
  expect(Number(zipped.headers["content-length"])).toBe(zipped.body.byteLength);
  expect(gunzipSync(zipped.body)).toEqual(plain.body);
});

for (const encoding of ["identity", "gzip"]) {
  test(`HEAD has the headers of GET and no body (${encoding})`, async () => {
    const get = await serve({ source });
    const headers = { "accept-encoding": encoding };
    const whole = await get("/metrics", "GET", headers);
    const head = await get("/metrics", "HEAD", headers);
    expect(head.status).toBe(200);
    expect(head.body.byteLength).toBe(0);
    expect({ ...head.headers, date: "" }).toEqual({ ...whole.headers, date: "" });
  });
}

for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
  test(`${method} is refused with the allowed methods`, async () => {
    const get = await serve({ source });
    const { status, headers } = await get("/metrics", method);
    expect({ status, allow: headers["allow"] }).toEqual({ status: 405, allow: "GET, HEAD" });
  });
}

for (const path of ["/", "/metric", "/metrics/", "/metricsx", "//metrics"]) {
  test(`${path} is not found, with the path of the metrics`, async () => {
    const get = await serve({ source });
    const { status, body } = await get(path);
    expect({ status, body: body.toString() }).toEqual({
      status: 404,
      body: "Not found. The metrics are at /metrics.\n",
    });
  });
}

for (const [title, broken] of [
  [
    "a callback that throws",
    () => {
      const { reader, meter } = sampleMetrics();
      meter.createObservableGauge("broken").addCallback(() => {
        throw new Error("secret detail");
      });
      return reader.collect();
    },
  ],
  ["a collection that rejects", () => Promise.reject(new Error("secret detail"))],
  [
    "metrics that cannot be written",
    () => {
      const { reader, meter } = sampleMetrics();
      meter.createGauge("a.b").record(1);
      meter.createHistogram("a_b").record(1);
      return reader.collect();
    },
  ],
] as const) {
  test(`${title} is a 500 without metrics, and onFailure gets the cause`, async () => {
    const failures: unknown[] = [];
    const get = await serve({ source: broken, onFailure: (error) => failures.push(error) });
    const { status, headers, body } = await get("/metrics", "GET", { "accept-encoding": "gzip" });
    expect({ status, body: body.toString() }).toEqual({
      status: 500,
      body: "The metrics could not be collected. The log of this program says why.\n",
    });
    expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    expect(failures).toHaveLength(1);
  });
}

test("a failed scrape does not affect the next", async () => {
  let asked = 0;
  const get = await serve({
    source: () => {
      asked += 1;
      return asked === 1 ? Promise.reject(new Error("once")) : source();
    },
  });
  expect((await get("/metrics")).status).toBe(500);
  expect((await get("/metrics")).status).toBe(200);
});

test("scrapes that arrive while one is being collected share it; a later one collects anew", async () => {
  let asked = 0;
  let handled = 0;
  const collection = deferred<CollectionResult>();
  const allHandled = deferred<void>();
  const get = await serve(
    {
      source: () => {
        asked += 1;
        return asked === 1 ? collection.promise : source();
      },
    },
    () => {
      handled += 1;
      if (handled === 3) {
        allHandled.resolve();
      }
    },
  );
  const scrapes = [
    get("/metrics"),
    get("/metrics"),
    get("/metrics", "GET", { "accept-encoding": "gzip" }),
  ];
  await allHandled.promise;
  collection.resolve(await source());
  const answers = await Promise.all(scrapes);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(asked).toBe(1);
  await get("/metrics");
  expect(asked).toBe(2);
});

for (const [header, want] of [
  [undefined, false],
  ["", false],
  ["gzip", true],
  ["x-gzip", true],
  ["GZIP", true],
  ["deflate, gzip;q=0.5", true],
  ["gzip;q=0", false],
  ["gzip;q=0.0, *", false],
  ["*", true],
  ["*;q=0", false],
  ["br", false],
  ["identity", false],
  ["identity;q=1, gzip;q=0.5", false],
  ["identity;q=0.5, gzip;q=1", true],
  ["identity;q=0, gzip;q=0.1", true],
  ["gzip ; q = 0", false],
  ["gzip;q=nonsense", false],
  ["identity, gzip", true],
  ["identity;q=0.5, gzip;q=0.5", true],
  ["*, gzip;q=0", false],
  ["gzip;q=0.5, *", false],
  ["X-GZIP;q=0.5, identity;q=0.4", true],
  [";;,,=,", false],
  [" , ,", false],
] as const) {
  test(`accept-encoding ${JSON.stringify(header)} ${want ? "gets gzip" : "gets the plain page"}`, () => {
    expect(prefersGzip(header)).toBe(want);
  });
}

test("the longest header that the server accepts is read", () => {
  expect(prefersGzip(`${"a,".repeat(8_000)}gzip`)).toBe(true);
});
