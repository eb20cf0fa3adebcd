import { randomFillSync } from "node:crypto";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { openGrpcSink } from "../../support/grpc-sink.ts";
import { noDeadline } from "../settings.ts";
import { afterwards, exporter } from "./exporter-fixture.ts";
import { frame, openNetwork, openRawBackend, openTcp, respond } from "./raw-backend.ts";

type Answer = (stream: ServerHttp2Stream) => void;

async function raw(answer: Answer, options: Parameters<typeof openRawBackend>[1] = {}) {
  const backend = await openRawBackend(answer, options);
  afterwards(() => backend.close());
  return { ...backend, endpoint: `127.0.0.1:${backend.port}` };
}

async function tcp(talk: (socket: Socket) => void): Promise<string> {
  const server = await openTcp(talk);
  afterwards(() => server.close());
  return `127.0.0.1:${server.port}`;
}

const garbage = Buffer.from([0x0a, 0xff, 0xff, 0x07, 1, 2, 3]);
const notOneMessage = "it is not exactly one message of gRPC";
const tooLong = "it is longer than 64 KiB";

describe("an answer that cannot be read after OK", () => {
  for (const [title, answer, reason] of [
    [
      "with garbage",
      (s) => respond(s, { body: frame(garbage) }),
      "it cannot be decoded as protobuf",
    ],
    ["without a message", (s) => respond(s, { body: Buffer.alloc(0) }), notOneMessage],
    [
      "with half a message",
      (s) => respond(s, { body: frame(Buffer.alloc(9)).subarray(0, 8) }),
      notOneMessage,
    ],
    [
      "with two messages",
      (s) => respond(s, { body: Buffer.concat([frame(Buffer.alloc(0)), frame(Buffer.alloc(0))]) }),
      notOneMessage,
    ],
    [
      "with a flag that does not exist",
      (s) => respond(s, { body: frame(Buffer.alloc(0), 2) }),
      notOneMessage,
    ],
    [
      "with a message that is not gzip",
      (s) => respond(s, { body: frame(garbage, 1), head: { "grpc-encoding": "gzip" } }),
      notOneMessage,
    ],
    [
      "with a compressed message of no encoding",
      (s) => respond(s, { body: frame(gzipSync(Buffer.alloc(0)), 1) }),
      notOneMessage,
    ],
    [
      "with a compression bomb",
      (s) =>
        respond(s, {
          body: frame(gzipSync(Buffer.alloc(1024 * 1024)), 1),
          head: { "grpc-encoding": "gzip" },
        }),
      notOneMessage,
    ],
    ["with more than 64 KiB", (s) => respond(s, { body: frame(Buffer.alloc(65_537)) }), tooLong],
    [
      "with a body without an end",
      (s) => {
        s.respond({ ":status": 200, "content-type": "application/grpc" });
        const pump = () => {
          while (!s.destroyed && s.write(Buffer.alloc(16_384))) {
            // until the buffer is full
          }
        };
        s.on("drain", pump);
        pump();
      },
      tooLong,
    ],
  ] as const satisfies readonly (readonly [string, Answer, string])[]) {
    test(`${title}, is an error, but the data counts as sent`, async () => {
      const { endpoint } = await raw(answer);
      const { consume, log } = exporter({ endpoint });
      expect(await consume("traces")).toEqual({ status: "accepted" });
      expect(log).toMatchObject([
        { level: "error", fields: { signal: "traces", host: endpoint, reason } },
      ]);
    });
  }
});

describe("an answer that is none of OTLP/gRPC", () => {
  for (const [title, answer, want, words] of [
    ["no status", (s) => respond(s, { trailers: {} }), "permanent", "answered UNKNOWN (2)"],
    [
      "an answer that ends in its message",
      (s) => respond(s, { body: frame(Buffer.alloc(9)).subarray(0, 7), trailers: {} }),
      "retryable",
      "cannot be reached: it closed the connection without an answer.",
    ],
    [
      "a status that does not exist",
      (s) => respond(s, { trailers: { "grpc-status": "99" } }),
      "permanent",
      "answered UNKNOWN (2)",
    ],
    [
      "a status that is no number",
      (s) => respond(s, { trailers: { "grpc-status": "topsecret" } }),
      "permanent",
      "answered UNKNOWN (2)",
    ],
    [
      "an error with garbage as details",
      (s) =>
        respond(s, {
          trailers: { "grpc-status": "8", "grpc-status-details-bin": garbage.toString("base64") },
        }),
      "permanent",
      "answered RESOURCE_EXHAUSTED (8)",
    ],
    [
      "a status in the head, and nothing else",
      (s) =>
        s.respond(
          { ":status": 200, "content-type": "application/grpc", "grpc-status": "14" },
          { endStream: true },
        ),
      "retryable",
      "answered UNAVAILABLE (14)",
    ],
    [
      "HTTP status 503",
      (s) => {
        s.respond({ ":status": 503, "content-type": "text/html" });
        s.end("topsecret");
      },
      "retryable",
      "answered with HTTP status 503 instead of gRPC; check the endpoint",
    ],
    [
      "HTTP status 404",
      (s) => s.respond({ ":status": 404 }, { endStream: true }),
      "permanent",
      "answered with HTTP status 404 instead of gRPC; check the endpoint",
    ],
    [
      "a web page",
      (s) => {
        s.respond({ ":status": 200, "content-type": "text/html" });
        s.end("topsecret");
      },
      "permanent",
      "answered with HTTP status 200 instead of gRPC; check the endpoint",
    ],
  ] as const satisfies readonly (readonly [string, Answer, string, string])[]) {
    test(`${title} is ${want}`, async () => {
      const { endpoint } = await raw(answer);
      const { consume, log } = exporter({ endpoint });
      const result = await consume("traces");
      expect(result).toMatchObject({ status: want });
      expect(JSON.stringify(result)).toContain(`The backend ${endpoint} ${words}`);
      expect(JSON.stringify([result, log])).not.toContain("topsecret");
    });
  }

  test("random bytes as a message never break the exporter", async () => {
    const { endpoint } = await raw((stream) =>
      respond(stream, { body: frame(randomFillSync(Buffer.alloc(40))) }),
    );
    const { consume } = exporter({ endpoint });
    for (let n = 0; n < 200; n += 1) {
      expect((await consume("traces")).status).toMatch(/^(accepted|permanent)$/);
    }
  });
});

describe("a stream that is reset", () => {
  for (const [title, code, want, words] of [
    ["CANCEL", constants.NGHTTP2_CANCEL, "retryable", "CANCELLED (1)"],
    ["INTERNAL_ERROR", constants.NGHTTP2_INTERNAL_ERROR, "permanent", "INTERNAL (13)"],
    ["ENHANCE_YOUR_CALM", constants.NGHTTP2_ENHANCE_YOUR_CALM, "retryable", "UNAVAILABLE (14)"],
  ] as const) {
    test(`with ${title} is ${want}`, async () => {
      const { endpoint } = await raw((stream) => stream.close(code));
      const { consume } = exporter({ endpoint });
      const result = await consume("traces");
      expect(result).toMatchObject({ status: want });
      expect(JSON.stringify(result)).toContain(`The backend ${endpoint} answered ${words}`);
    });
  }

  test("with its connection, in the middle of its answer, is retryable", async () => {
    const { endpoint } = await raw((stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(frame(Buffer.alloc(9)).subarray(0, 7));
      setImmediate(() => stream.session?.destroy());
    });
    const { consume } = exporter({ endpoint });
    expect(await consume("traces")).toMatchObject({ status: "retryable" });
  });

  test("because it was refused is sent again at once, once", async () => {
    let refusals = 1;
    const backend = await raw((stream) => {
      if (refusals-- > 0) {
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
      } else {
        respond(stream);
      }
    });
    const { consume } = exporter({ endpoint: backend.endpoint });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    refusals = 2;
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${backend.endpoint} takes no requests at the moment.`,
    });
    expect(backend.requests.length).toBe(4);
  });

  test("by an answer before the request was read ends with that answer", async () => {
    const { endpoint } = await raw(() => {}, {
      onStream: (stream) => {
        stream.respond(
          { ":status": 200, "content-type": "application/grpc", "grpc-status": "8" },
          { endStream: true },
        );
      },
    });
    const { consume } = exporter({ endpoint, compression: "none" });
    expect(await consume("traces", new Uint8Array(8 * 1024 * 1024))).toMatchObject({
      status: "permanent",
      message: expect.stringContaining("answered RESOURCE_EXHAUSTED (8)"),
    });
  });
});

describe("a connection", () => {
  test("that is refused is retryable, and is opened again by the next attempt", async () => {
    const first = await openGrpcSink();
    first.close();
    const { consume } = exporter({ endpoint: first.endpoint });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${first.endpoint} cannot be reached: the connection was refused.`,
    });
    const second = await openGrpcSink({ port: first.port });
    afterwards(() => second.close());
    expect(await consume("traces")).toEqual({ status: "accepted" });
  });

  test("to a name that does not exist is retryable", async () => {
    const { consume } = exporter({ endpoint: "no-such-host.invalid:4317" });
    expect(await consume("traces")).toMatchObject({
      status: "retryable",
      message: expect.stringContaining("the host name cannot be resolved"),
    });
  });

  for (const [title, talk, words] of [
    ["closes at once", (s) => s.end(), "closed the connection without an answer"],
    ["resets", (s) => s.resetAndDestroy(), "closed the connection without an answer"],
    [
      "closes after the request",
      (s) => s.on("data", () => s.destroy()),
      "closed the connection without an answer",
    ],
    [
      "speaks HTTP/1.1",
      (s) => s.end("HTTP/1.1 400 Bad Request\r\n\r\ntopsecret"),
      "it does not speak HTTP/2; the endpoint must be that of OTLP/gRPC",
    ],
    [
      "sends garbage",
      (s) => s.write(Buffer.alloc(500, 0x67)),
      "it does not speak HTTP/2; the endpoint must be that of OTLP/gRPC",
    ],
  ] as const satisfies readonly (readonly [string, (socket: Socket) => void, string])[]) {
    test(`to a server that ${title} is retryable`, async () => {
      const endpoint = await tcp(talk);
      const { consume, log } = exporter({ endpoint });
      const result = await consume("traces");
      expect(result).toEqual({
        status: "retryable",
        message: expect.stringContaining(`The backend ${endpoint} cannot be reached: `),
      });
      expect(JSON.stringify(result)).toContain(words);
      expect(JSON.stringify([result, log])).not.toContain("topsecret");
    });
  }

  test("to a server that says nothing ends after the timeout", async () => {
    const connected: Socket[] = [];
    let onConnected = () => {};
    const hasConnected = new Promise<void>((resolve) => {
      onConnected = resolve;
    });
    const endpoint = await tcp((socket) => {
      connected.push(socket);
      socket.once("data", () => onConnected());
    });
    const { consume, clock } = exporter({ endpoint });
    const result = consume("traces");
    await hasConnected;
    const closed = new Promise((resolve) => connected[0]?.once("close", resolve));
    clock.advance(5_000);
    expect(await result).toMatchObject({ status: "retryable" });
    await closed;
  });

  test("that the server drains takes no more requests, and none is lost", async () => {
    const first = await openGrpcSink();
    const { consume } = exporter({ endpoint: first.endpoint });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    let drained: Promise<void> | undefined;
    first.answer = () => {
      drained ??= first.drain();
      return new Uint8Array(0);
    };
    expect(await consume("traces")).toEqual({ status: "accepted" });
    await drained;
    const second = await openGrpcSink({ port: first.port });
    afterwards(() => second.close());
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect([first.requests.length, second.requests.length]).toEqual([2, 1]);
  });

  test("that ends during a request makes that retryable", async () => {
    const backend = await openGrpcSink();
    backend.answer = () => {
      setImmediate(() => backend.close());
      return "wait";
    };
    const { consume } = exporter({ endpoint: backend.endpoint });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${backend.endpoint} cannot be reached: it closed the connection without an answer.`,
    });
  });

  test("of a server that restarts under load loses no request that it accepted", async () => {
    let backend = await openGrpcSink();
    afterwards(() => backend.close());
    const { consume } = exporter({ endpoint: backend.endpoint });
    let accepted = 0;
    let received = 0;
    let isOver = false;
    const load = Array.from({ length: 4 }, async () => {
      while (!isOver) {
        const { status } = await consume("traces");
        expect(status).toMatch(/^(accepted|retryable)$/);
        accepted += status === "accepted" ? 1 : 0;
      }
    });
    for (let restart = 0; restart < 5; restart += 1) {
      await backend.arrived(20);
      backend.close();
      received += backend.requests.length;
      backend = await openGrpcSink({ port: backend.port });
    }
    await backend.arrived(20);
    isOver = true;
    await Promise.all(load);
    received += backend.requests.length;
    expect(accepted).toBeGreaterThan(50);
    // A request that arrived just before its server ended was answered by nobody.
    expect(received).toBeGreaterThanOrEqual(accepted);
  });

  test("that nobody answers any more is replaced after a call that timed out", async () => {
    const backend = await openGrpcSink();
    afterwards(() => backend.close());
    const network = await openNetwork(backend.port);
    afterwards(() => network.close());
    const { consume, clock } = exporter({ endpoint: network.endpoint });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    network.cut();
    const lost = consume("traces");
    await network.dropped(0);
    clock.advance(5_000);
    expect(await lost).toMatchObject({ status: "retryable" });
    clock.advance(10_000);
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(network.sockets.length).toBe(2);
  });

  test("that answers pings stays open after a call that timed out", async () => {
    const backend = await openGrpcSink();
    afterwards(() => backend.close());
    const { consume, clock } = exporter({ endpoint: backend.endpoint });
    backend.answer = () => "wait";
    const slow = consume("traces");
    await backend.arrived(1);
    clock.advance(5_000);
    expect(await slow).toMatchObject({ status: "retryable" });
    backend.answer = () => new Uint8Array(0);
    expect(await consume("traces")).toEqual({ status: "accepted" });
    clock.advance(10_000);
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(new Set(backend.requests.map(({ peer }) => peer)).size).toBe(1);
  });
});

describe("keepalive", () => {
  test("pings a quiet connection and closes one that does not answer", async () => {
    const backend = await raw((stream) => respond(stream));
    const network = await openNetwork(backend.port);
    afterwards(() => network.close());
    const { consume, clock } = exporter({
      endpoint: network.endpoint,
      keepalive: { permit_without_stream: true, time: "20s", timeout: "3s" },
    });
    await consume("traces");
    const pinged = new Promise((resolve) => backend.sessions[0]?.once("ping", resolve));
    clock.advance(20_000);
    await pinged;
    await consume("traces");
    expect(network.sockets.length).toBe(1);
    network.cut();
    const [dropped, closed] = [network.dropped(0), network.closed(0)];
    clock.advance(20_000);
    await dropped;
    clock.advance(3_000);
    await closed;
    await consume("traces");
    expect(network.sockets.length).toBe(2);
  });

  test("pings during a request", async () => {
    const backend = await raw(() => {});
    const { consume, clock } = exporter({
      endpoint: backend.endpoint,
      keepalive: {},
      timeout: "1m",
    });
    const result = consume("traces");
    await backend.arrived(1);
    const pinged = new Promise((resolve) => backend.sessions[0]?.once("ping", resolve));
    clock.advance(10_000);
    await pinged;
    await backend.close();
    expect(await result).toMatchObject({ status: "retryable" });
  });

  test("does not ping a connection without requests, unless that is permitted", async () => {
    const backend = await raw((stream) => respond(stream));
    const { consume, clock, component } = exporter({ endpoint: backend.endpoint, keepalive: {} });
    await consume("traces");
    let pings = 0;
    backend.sessions[0]!.on("ping", () => {
      pings += 1;
    });
    clock.advance(10_000);
    await consume("traces");
    expect([pings, backend.sessions.length]).toEqual([0, 1]);
    await component.shutdown(noDeadline());
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("wait_for_ready", () => {
  test("waits for the backend until there is one", async () => {
    const first = await openGrpcSink();
    first.close();
    const { consume, clock } = exporter({
      endpoint: first.endpoint,
      wait_for_ready: true,
      timeout: "60s",
    });
    const result = consume("traces");
    while (clock.pendingTimers < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    const second = await openGrpcSink({ port: first.port });
    afterwards(() => second.close());
    clock.advance(1_200);
    expect(await result).toEqual({ status: "accepted" });
  });

  test("waits no longer than the timeout", async () => {
    const gone = await openGrpcSink();
    gone.close();
    const { consume, clock } = exporter({ endpoint: gone.endpoint, wait_for_ready: true });
    const result = consume("traces");
    while (clock.pendingTimers < 2) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    clock.advance(5_000);
    expect(await result).toEqual({
      status: "retryable",
      message: `The backend ${gone.endpoint} did not answer within 5000 ms.`,
    });
  });
});
