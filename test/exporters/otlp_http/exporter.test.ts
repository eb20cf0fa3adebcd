import type { ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { promisify } from "node:util";
import {
  constants,
  deflate,
  gunzipSync,
  gzip,
  inflateSync,
  zstdCompress,
  zstdDecompressSync,
} from "node:zlib";
import { describe, expect, test } from "vitest";
import { deferred } from "../../support/deferred.ts";
import { openGrpcSink } from "../../support/grpc-sink.ts";
import { noDeadline } from "../settings.ts";
import { backend, cleanups, exporter, listening, ok, payloadBytes } from "./backend.ts";

/** Export…ServiceResponse with a partial success; the same on the wire for all signals. */
function partialSuccess(rejected: number, message: string): Buffer {
  const text = Buffer.from(message);
  const inner = Buffer.from([0x08, rejected, 0x12, text.length, ...text]);
  return Buffer.from([0x0a, inner.length, ...inner]);
}

describe("what is sent", () => {
  for (const [compression, encoding, inflate] of [
    ["gzip", "gzip", gunzipSync],
    ["zstd", "zstd", zstdDecompressSync],
    ["zlib", "zlib", inflateSync],
    ["deflate", "deflate", inflateSync],
    ["none", undefined, (body: Buffer) => body],
  ] as const) {
    test(`the payload's own bytes, with compression ${compression}`, async () => {
      const { host, received } = await backend(ok);
      const { consume } = exporter({ endpoint: `http://${host}`, compression });
      expect(await consume("traces")).toEqual({ status: "accepted" });
      expect(received[0]!.request.headers["content-encoding"]).toBe(encoding);
      expect(Buffer.from(payloadBytes).equals(inflate(received[0]!.body))).toBe(true);
    });
  }

  const compressors = {
    gzip: promisify(gzip),
    zlib: promisify(deflate),
    deflate: promisify(deflate),
    zstd: promisify(zstdCompress),
  };
  for (const [compression, levels] of [
    ["gzip", [1, 9]],
    ["zlib", [1, 9]],
    ["deflate", [1, 9]],
    ["zstd", [1, 22]],
  ] as const) {
    test(`bodies of the level of ${compression} that is written`, async () => {
      const { host, received } = await backend(ok);
      const text = Array.from({ length: 5_000 }, (_, n) => `span ${(n * n) % 977} of ${n % 89}`);
      const bytes = Buffer.from(text.join());
      for (const level of levels) {
        const section = { endpoint: `http://${host}`, compression, compression_params: { level } };
        await exporter(section).consume("traces", bytes);
      }
      for (const [index, level] of levels.entries()) {
        const params = { [constants.ZSTD_c_compressionLevel]: level };
        const want = await compressors[compression](bytes, { level, params });
        expect(want.equals(received[index]!.body)).toBe(true);
      }
      expect(received[0]!.body.equals(received[1]!.body)).toBe(false);
    });
  }

  test("gzip, and a name of our own, where nothing is configured", async () => {
    const { host, received } = await backend(ok);
    await exporter({ endpoint: `http://${host}` }).consume("logs");
    const { method, url, headers } = received[0]!.request;
    expect({ method, url }).toEqual({ method: "POST", url: "/v1/logs" });
    expect(headers).toMatchObject({
      "content-type": "application/x-protobuf",
      "content-encoding": "gzip",
      "content-length": String(received[0]!.body.byteLength),
      "user-agent": "openclaw-activity-collector/1.2.3",
    });
  });

  test("the configured headers, also an own user agent", async () => {
    const { host, received } = await backend(ok);
    const headers = { Authorization: "Bearer abc", "User-Agent": "mine" };
    await exporter({ endpoint: `http://${host}`, headers }).consume("traces");
    expect(received[0]!.request.headers).toMatchObject({
      authorization: "Bearer abc",
      "user-agent": "mine",
    });
  });

  for (const [title, section, want] of [
    ["the base and the signal's path", { endpoint: "" }, "/v1/metrics"],
    ["a base with a slash at its end", { endpoint: "/" }, "/v1/metrics"],
    ["a base with a path", { endpoint: "/otlp/" }, "/otlp/v1/metrics"],
    [
      "a signal's own endpoint as it is written",
      { endpoint: "/x", metrics_endpoint: "/api/otlp?token=1" },
      "/api/otlp?token=1",
    ],
    ["the root when a signal's own endpoint has no path", { metrics_endpoint: "" }, "/"],
  ] as const) {
    test(`to ${title}`, async () => {
      const { host, received } = await backend(ok);
      const urls = Object.fromEntries(
        Object.entries(section).map(([key, path]) => [key, `http://${host}${path}`]),
      );
      await exporter(urls).consume("metrics");
      expect(received[0]!.request.url).toBe(want);
    });
  }

  test("over one connection, request after request", async () => {
    const { host, connections } = await backend((response) => {
      response.writeHead(503).end("a body that is read to its end");
    });
    const { consume } = exporter({ endpoint: `http://${host}` });
    for (let n = 0; n < 5; n += 1) {
      await consume("traces");
    }
    expect(connections()).toBe(1);
  });
});

describe("connections", () => {
  test("are at most max_conns_per_host; further requests wait", async () => {
    const waiting: ServerResponse[] = [];
    const first = deferred<void>();
    const { host, connections } = await backend((response) => {
      waiting.push(response);
      first.resolve();
      if (waiting.length > 1) {
        ok(response);
      }
    });
    const { consume } = exporter({ endpoint: `http://${host}`, max_conns_per_host: 1 });
    const results = [consume("traces"), consume("traces"), consume("traces")];
    await first.promise;
    ok(waiting[0]!);
    expect((await Promise.all(results)).map(({ status }) => status)).toEqual(
      results.map(() => "accepted"),
    );
    expect(connections()).toBe(1);
  });

  test("are as many as there are requests with max_conns_per_host: 0", async () => {
    const waiting: ServerResponse[] = [];
    const { host, connections } = await backend((response) => {
      if (waiting.push(response) === 150) {
        waiting.forEach(ok);
      }
    });
    const { consume } = exporter({ endpoint: `http://${host}`, max_conns_per_host: 0 });
    await Promise.all(Array.from({ length: 150 }, () => consume("traces")));
    expect(connections()).toBe(150);
  });

  test("carry one request each with disable_keep_alives", async () => {
    const { host, connections } = await backend(ok);
    const { consume } = exporter({ endpoint: `http://${host}`, disable_keep_alives: true });
    await consume("traces");
    await consume("traces");
    expect(connections()).toBe(2);
  });

  for (const [title, keepAliveTimeout] of [
    ["that says how long it keeps them", 5_000],
    ["that does not", 0],
  ] as const) {
    test(`are closed after idle_conn_timeout, with a backend ${title}`, async () => {
      const closed = deferred<void>();
      const { host, server } = await backend(ok);
      server.keepAliveTimeout = keepAliveTimeout;
      server.on("connection", (socket) => socket.on("close", () => closed.resolve()));
      await exporter({ endpoint: `http://${host}`, idle_conn_timeout: "50ms" }).consume("traces");
      await closed.promise;
    }, 2_500);
  }

  test("stay open with idle_conn_timeout: 0s", async () => {
    const { host, connections } = await backend(ok);
    const { consume } = exporter({ endpoint: `http://${host}`, idle_conn_timeout: "0s" });
    await consume("traces");
    await new Promise((resolve) => setImmediate(resolve));
    await consume("traces");
    expect(connections()).toBe(1);
  });
});

describe("what the answer means", () => {
  const at = "http://ignored";
  for (const [status, want] of [
    [200, { status: "accepted" }],
    [202, { status: "accepted" }],
    [204, { status: "accepted" }],
    [
      301,
      {
        status: "permanent",
        message: "The backend HOST answered 301 (moved); set the endpoint to where it moved.",
      },
    ],
    [
      400,
      {
        status: "permanent",
        message: "The backend HOST answered 400 (it cannot read the request).",
      },
    ],
    [
      401,
      {
        status: "permanent",
        message: "The backend HOST answered 401 (not authenticated); check the exporter's headers.",
      },
    ],
    [
      403,
      {
        status: "permanent",
        message: "The backend HOST answered 403 (not allowed); check the exporter's headers.",
      },
    ],
    [
      404,
      {
        status: "permanent",
        message:
          "The backend HOST answered 404 (no such path); check the endpoint, to which /v1/<signal> is appended.",
      },
    ],
    [408, { status: "permanent", message: "The backend HOST answered 408." }],
    [413, { status: "permanent", message: "The backend HOST answered 413 (too large)." }],
    [
      429,
      {
        status: "retryable",
        throttled: true,
        message: "The backend HOST answered 429 (too many requests).",
      },
    ],
    [500, { status: "permanent", message: "The backend HOST answered 500." }],
    [501, { status: "permanent", message: "The backend HOST answered 501." }],
    [502, { status: "retryable", message: "The backend HOST answered 502 (bad gateway)." }],
    [503, { status: "retryable", message: "The backend HOST answered 503 (unavailable)." }],
    [504, { status: "retryable", message: "The backend HOST answered 504 (gateway timeout)." }],
  ] as const) {
    test(`${status} is ${want.status}`, async () => {
      const { host } = await backend((response) => {
        response.writeHead(status, { location: at }).end();
      });
      const result = await exporter({ endpoint: `http://${host}` }).consume("traces");
      expect(JSON.parse(JSON.stringify(result).replaceAll(host, "HOST"))).toEqual(want);
    });
  }

  test("a backend's wish to wait travels back", async () => {
    const { host } = await backend((response) => {
      response.writeHead(503, { "retry-after": "7" }).end();
    });
    expect(await exporter({ endpoint: `http://${host}` }).consume("traces")).toMatchObject({
      status: "retryable",
      retryAfterMs: 7_000,
    });
  });

  test("a refused connection is retryable", async () => {
    const { host, close } = await backend(ok);
    await close();
    expect(await exporter({ endpoint: `http://${host}` }).consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${host} cannot be reached: the connection was refused.`,
    });
  });

  test("a connection that is closed without an answer is retryable", async () => {
    const { host } = await backend((response) => response.destroy());
    expect(await exporter({ endpoint: `http://${host}` }).consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${host} cannot be reached: it closed the connection without an answer.`,
    });
  });

  const grpcHint =
    "if this is a port of OTLP/gRPC, usually 4317, use the exporter otlp_grpc or the port of OTLP/HTTP, usually 4318";

  test("an answer that is not HTTP is retryable", async () => {
    const { host } = await backend((response) => {
      response.socket?.end("SSH-2.0-server\r\n");
    });
    expect(await exporter({ endpoint: `http://${host}` }).consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${host} cannot be reached: its answer is not HTTP; ${grpcHint}.`,
    });
  });

  test("a backend of OTLP/gRPC is retryable, with the hint that it may be one", async () => {
    const sink = await openGrpcSink();
    cleanups.push(() => sink.close());
    const { consume } = exporter({ endpoint: `http://${sink.endpoint}` });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${sink.endpoint} cannot be reached: its answer is not HTTP; ${grpcHint}.`,
    });
    expect(sink.requests).toEqual([]);
  });

  test("no answer in time is retryable", async () => {
    const { host } = await backend(() => clock.advance(2_000));
    const { consume, clock } = exporter({ endpoint: `http://${host}`, timeout: "2s" });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${host} did not answer within 2000 ms.`,
    });
  });

  test("a huge answer is not read to its end", async () => {
    let written = 0;
    const { host } = await backend((response) => {
      response.writeHead(400);
      const more = () => {
        written += 65_536;
        if (!response.destroyed) {
          response.write(Buffer.alloc(65_536), more);
        }
      };
      more();
    });
    expect(await exporter({ endpoint: `http://${host}` }).consume("traces")).toMatchObject({
      status: "permanent",
    });
    expect(written).toBeLessThan(50_000_000);
  });
});

describe("what an operator sees", () => {
  test("what a backend refused out of an accepted request is counted and logged, not sent again", async () => {
    const { host, received } = await backend((response) => {
      response
        .writeHead(200, { "content-type": "application/x-protobuf" })
        .end(partialSuccess(2, "span 0102030405060708 is odd"));
    });
    const { consume, log, ownMetrics } = exporter({ endpoint: `http://${host}` });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(received).toHaveLength(1);
    expect(await ownMetrics()).toContain(
      'otelcol_exporter_rejected_items{exporter="otlp_http",otel_signal="traces"} 2\n',
    );
    expect(log).toEqual([
      {
        level: "warn",
        message:
          "The backend accepted a request but rejected some of its items. They are lost; check the backend's log.",
        fields: { signal: "traces", host, rejected: 2, held_back: 0, held_back_items: 0 },
      },
    ]);
  });

  test("the counters of refused items and of invalid answers are there from the start", async () => {
    const { component, ownMetrics } = exporter({ endpoint: "http://127.0.0.1:1" });
    await component.start();
    const metrics = await ownMetrics();
    expect(metrics.match(/^otelcol_exporter_rejected_items.* 0$/gm)).toHaveLength(3);
    expect(metrics.match(/^otelcol_exporter_invalid_responses.* 0$/gm)).toHaveLength(3);
  });

  test("a backend that is down fills no log: one line per kind, signal and interval, with the lines and items held back", async () => {
    let status = 503;
    const { host } = await backend((response) => {
      response.writeHead(status).end("secret of the payload");
    });
    const { consume, log, clock } = exporter({
      endpoint: `http://${host}`,
      headers: { authorization: "Bearer topsecret" },
    });
    await consume("traces");
    await consume("traces");
    await consume("traces");
    await consume("metrics");
    clock.advance(10_000);
    await consume("traces");
    status = 400;
    await consume("logs");
    const reason = (text: string) => `The backend ${host} answered ${text}.`;
    expect(log).toEqual([
      {
        level: "warn",
        message:
          "Exporting failed. Rejecting data. The sender is asked to retry unless another exporter took the data.",
        fields: {
          signal: "traces",
          rejected_items: 3,
          reason: reason("503 (unavailable)"),
          held_back: 0,
          held_back_items: 0,
        },
      },
      {
        level: "warn",
        message:
          "Exporting failed. Rejecting data. The sender is asked to retry unless another exporter took the data.",
        fields: {
          signal: "metrics",
          rejected_items: 3,
          reason: reason("503 (unavailable)"),
          held_back: 0,
          held_back_items: 0,
        },
      },
      {
        level: "warn",
        message:
          "Exporting failed. Rejecting data. The sender is asked to retry unless another exporter took the data.",
        fields: {
          signal: "traces",
          rejected_items: 3,
          reason: reason("503 (unavailable)"),
          held_back: 2,
          held_back_items: 6,
        },
      },
      {
        level: "error",
        message:
          "Exporting failed. Rejecting data. The backend will never take it, and the sender gets the error unless another exporter took the data; check the reason.",
        fields: {
          signal: "logs",
          rejected_items: 3,
          reason: reason("400 (it cannot read the request)"),
          held_back: 0,
          held_back_items: 0,
        },
      },
    ]);
    expect(JSON.stringify(log)).not.toMatch(/secret/);
  });
});

describe("shutdown", () => {
  test("waits for what is on its way, and takes nothing more", async () => {
    const arrived = deferred<ServerResponse>();
    const { host, received } = await backend((response) => arrived.resolve(response));
    const { component, consume } = exporter({ endpoint: `http://${host}` });
    const sending = consume("traces");
    const response = await arrived.promise;
    const order: string[] = [];
    const stopping = component.shutdown(noDeadline()).then(() => order.push("stopped"));
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: "This collector is shutting down and sends nothing more.",
    });
    const sent = sending.then((result) => order.push(result.status));
    response.writeHead(200).end();
    await Promise.all([stopping, sent]);
    expect(order).toEqual(["accepted", "stopped"]);
    expect(received).toHaveLength(1);
  });

  test("ends when its deadline passes; what was on its way is retryable", async () => {
    const arrived = deferred<ServerResponse>();
    const { host } = await backend((response) => arrived.resolve(response));
    const { component, consume } = exporter({ endpoint: `http://${host}` });
    const sending = consume("traces");
    await arrived.promise;
    const deadline = new AbortController();
    const stopping = component.shutdown(deadline.signal);
    deadline.abort();
    await stopping;
    expect(await sending).toEqual({
      status: "retryable",
      message: `The request to ${host} was aborted because this collector is shutting down.`,
    });
  });

  test("ends at its deadline while a connection is being made, and closes it", async () => {
    const accepted = deferred<Socket>();
    const silent = createServer((socket) =>
      accepted.resolve(socket.on("error", () => {}).resume()),
    );
    const port = await listening(silent);
    cleanups.push(() => silent.close());
    const { component, consume, clock } = exporter({ endpoint: `https://127.0.0.1:${port}` });
    const sending = consume("traces");
    const socket = await accepted.promise;
    const isClosed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
    await component.shutdown(AbortSignal.abort());
    expect(await sending).toMatchObject({ status: "retryable" });
    await isClosed;
    expect(clock.pendingTimers).toBe(0);
  });

  test("is safe before start, twice, and after its deadline", async () => {
    const { component } = exporter({ endpoint: "http://127.0.0.1:1" });
    await component.shutdown(noDeadline());
    await component.shutdown(AbortSignal.abort());
  });
});

test("a signal without an endpoint is refused when the pipelines are built", () => {
  const { consumer } = exporter({ traces_endpoint: "http://127.0.0.1:1/t" });
  expect(() => consumer("logs")).toThrow(
    "otlp_http is in a logs pipeline but has no endpoint for logs. Set endpoint or logs_endpoint.",
  );
});
