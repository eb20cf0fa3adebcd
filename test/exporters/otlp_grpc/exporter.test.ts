import { zstdDecompressSync } from "node:zlib";
import { Metadata, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { type GrpcAnswer, type GrpcSink, openGrpcSink } from "../../support/grpc-sink.ts";
import { noDeadline } from "../settings.ts";
import { afterwards, exporter, payloadBytes } from "./exporter-fixture.ts";
import { openRawBackend, openTcp, respond } from "./raw-backend.ts";

async function sink(options: Parameters<typeof openGrpcSink>[0] = {}): Promise<GrpcSink> {
  const opened = await openGrpcSink(options);
  afterwards(() => opened.close());
  return opened;
}

/** An error of gRPC with details, such as a `RetryInfo`. */
function failure(code: number, details: otlp.RpcAny.$Properties[] = []): GrpcAnswer {
  const metadata = new Metadata();
  if (details.length > 0) {
    const bytes = otlp.RpcStatus.encode({ code, message: "topsecret", details }).finish();
    metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  }
  return { code, details: "topsecret", metadata };
}

function retryInfo(delay?: otlp.RpcDuration.$Properties): otlp.RpcAny.$Properties {
  const info = delay === undefined ? {} : { retryDelay: delay };
  return {
    typeUrl: "type.googleapis.com/google.rpc.RetryInfo",
    value: otlp.RpcRetryInfo.encode(info).finish(),
  };
}

const seconds = (low: number, high = 0) => ({ seconds: { low, high, unsigned: false } });

describe("what is sent", () => {
  for (const signal of ["traces", "metrics", "logs"] as const) {
    for (const compression of ["gzip", "none"] as const) {
      test(`${signal} to their service, in their own bytes, with compression ${compression}`, async () => {
        const backend = await sink();
        const { consume } = exporter({ endpoint: backend.endpoint, compression });
        expect(await consume(signal)).toEqual({ status: "accepted" });
        expect(backend.requests.map((request) => request.signal)).toEqual([signal]);
        expect(Buffer.from(payloadBytes).equals(backend.requests[0]!.bytes)).toBe(true);
      });
    }
  }

  test("the payload's own bytes, with compression zstd", async () => {
    const backend = await openRawBackend((stream) => respond(stream));
    afterwards(() => backend.close());
    const { consume } = exporter({ endpoint: `127.0.0.1:${backend.port}`, compression: "zstd" });
    expect(await consume("logs")).toEqual({ status: "accepted" });
    const { headers, framed } = backend.requests[0]!;
    expect(headers["grpc-encoding"]).toBe("zstd");
    expect(framed[0]).toBe(1);
    expect(framed.readUInt32BE(1)).toBe(framed.length - 5);
    expect(zstdDecompressSync(framed.subarray(5)).equals(payloadBytes)).toBe(true);
  });

  test("gzip, a timeout and a name of our own, where nothing is configured", async () => {
    const backend = await openRawBackend((stream) => respond(stream));
    afterwards(() => backend.close());
    await exporter({ endpoint: `127.0.0.1:${backend.port}` }).consume("logs");
    expect(backend.requests[0]!.headers).toMatchObject({
      ":method": "POST",
      ":path": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
      ":scheme": "http",
      ":authority": `127.0.0.1:${backend.port}`,
      "content-type": "application/grpc+proto",
      te: "trailers",
      "grpc-encoding": "gzip",
      "grpc-timeout": "5000m",
      "user-agent": "openclaw-activity-collector/1.2.3",
    });
  });

  test("the configured metadata, authority and user agent", async () => {
    const backend = await sink();
    const { consume } = exporter({
      endpoint: backend.endpoint,
      headers: { Authorization: "Bearer abc", "Token-Bin": "\u0000ü" },
      authority: "tenant.example",
      user_agent: "mine",
    });
    await consume("traces");
    const { metadata, authority } = backend.requests[0]!;
    expect(metadata.get("authorization")).toEqual(["Bearer abc"]);
    expect(metadata.get("token-bin")).toEqual([Buffer.from("\u0000ü")]);
    expect(metadata.get("user-agent")).toEqual(["mine"]);
    expect(authority).toBe("tenant.example");
  });

  test("requests of 8 MiB, several at a time", async () => {
    const backend = await sink();
    const { consume } = exporter({ endpoint: backend.endpoint, compression: "none" });
    const large = new Uint8Array(8 * 1024 * 1024);
    const results = await Promise.all(Array.from({ length: 6 }, () => consume("traces", large)));
    expect(results).toEqual(results.map(() => ({ status: "accepted" })));
    expect(backend.requests.map(({ bytes }) => bytes.length)).toEqual(
      results.map(() => large.length),
    );
  });

  test("all requests over one connection", async () => {
    const backend = await sink();
    const { consume } = exporter({ endpoint: backend.endpoint });
    for (let n = 0; n < 3; n += 1) {
      await Promise.all([consume("traces"), consume("logs")]);
    }
    expect(backend.requests.length).toBe(6);
    expect(new Set(backend.requests.map(({ peer }) => peer)).size).toBe(1);
  });
});

describe("what the answer means", () => {
  const retryableCodes = [
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNAVAILABLE",
    "DATA_LOSS",
  ] as const;
  const permanentCodes = [
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAUTHENTICATED",
  ] as const;

  for (const [codes, want] of [
    [retryableCodes, "retryable"],
    [permanentCodes, "permanent"],
  ] as const) {
    for (const code of codes) {
      test(`${code} is ${want}, and the backend's words are not repeated`, async () => {
        const backend = await sink();
        backend.answer = () => failure(status[code]);
        const { consume, log } = exporter({ endpoint: backend.endpoint });
        const result = await consume("traces");
        expect(result).toMatchObject({ status: want });
        expect("retryAfterMs" in result || "throttled" in result).toBe(false);
        expect(JSON.stringify(result)).toContain(
          `The backend ${backend.endpoint} answered ${code} (${status[code]})`,
        );
        expect(JSON.stringify([result, log])).not.toContain("topsecret");
      });
    }
  }

  for (const [title, answer, want] of [
    [
      "RESOURCE_EXHAUSTED with RetryInfo is throttled",
      failure(status.RESOURCE_EXHAUSTED, [retryInfo(seconds(7))]),
      { status: "retryable", retryAfterMs: 7_000, throttled: true },
    ],
    [
      "UNAVAILABLE with RetryInfo is retryable after that time",
      failure(status.UNAVAILABLE, [retryInfo({ ...seconds(1), nanos: 500_000_001 })]),
      { status: "retryable", retryAfterMs: 1_501 },
    ],
    [
      "RetryInfo is found beside other details",
      failure(status.RESOURCE_EXHAUSTED, [
        { typeUrl: "type.googleapis.com/google.rpc.DebugInfo", value: Buffer.from("topsecret") },
        retryInfo(seconds(2)),
      ]),
      { status: "retryable", retryAfterMs: 2_000 },
    ],
    [
      "RetryInfo without a time is retryable",
      failure(status.RESOURCE_EXHAUSTED, [retryInfo()]),
      { status: "retryable", retryAfterMs: 0 },
    ],
    [
      "RetryInfo waits no longer than a day",
      failure(status.RESOURCE_EXHAUSTED, [retryInfo(seconds(0, 1))]),
      { status: "retryable", retryAfterMs: 86_400_000 },
    ],
    [
      "a negative time is none",
      failure(status.RESOURCE_EXHAUSTED, [retryInfo(seconds(-5, -1))]),
      { status: "retryable", retryAfterMs: 0 },
    ],
    [
      "RESOURCE_EXHAUSTED with other details is permanent",
      failure(status.RESOURCE_EXHAUSTED, [{ typeUrl: "x/google.rpc.QuotaFailure" }]),
      { status: "permanent" },
    ],
    [
      "INVALID_ARGUMENT with RetryInfo is permanent",
      failure(status.INVALID_ARGUMENT, [retryInfo(seconds(1))]),
      { status: "permanent" },
    ],
  ] as const) {
    test(title, async () => {
      const backend = await sink();
      backend.answer = () => answer;
      const { consume } = exporter({ endpoint: backend.endpoint });
      expect(await consume("logs")).toMatchObject(want);
    });
  }

  for (const [signal, partial] of [
    [
      "traces",
      otlp.ExportTraceServiceResponse.encode({
        partialSuccess: { rejectedSpans: seconds(2).seconds, errorMessage: "topsecret" },
      }),
    ],
    [
      "metrics",
      otlp.ExportMetricsServiceResponse.encode({
        partialSuccess: { rejectedDataPoints: seconds(2).seconds, errorMessage: "topsecret" },
      }),
    ],
    [
      "logs",
      otlp.ExportLogsServiceResponse.encode({
        partialSuccess: { rejectedLogRecords: seconds(2).seconds, errorMessage: "topsecret" },
      }),
    ],
  ] as const) {
    test(`a partial success of ${signal} is accepted, counted and logged`, async () => {
      const backend = await sink();
      const answer = partial.finish();
      backend.answer = () => answer;
      const { consume, component, log, ownMetrics } = exporter({ endpoint: backend.endpoint });
      await component.start();
      expect(await consume(signal)).toEqual({ status: "accepted" });
      expect(await ownMetrics()).toContain(
        `otelcol_exporter_rejected_items{exporter="otlp_grpc",otel_signal="${signal}"} 2`,
      );
      expect(log.map(({ level, fields }) => [level, fields?.["rejected"]])).toEqual([["warn", 2]]);
      expect(JSON.stringify(log)).not.toContain("topsecret");
    });
  }

  test("an answer in the compression of the request is read", async () => {
    const backend = await sink({ compresses: true });
    const answer = otlp.ExportTraceServiceResponse.encode({
      partialSuccess: { rejectedSpans: seconds(1).seconds, errorMessage: "a".repeat(1000) },
    }).finish();
    backend.answer = () => answer;
    const { consume, log } = exporter({ endpoint: backend.endpoint });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(log.map(({ fields }) => fields?.["rejected"])).toEqual([1]);
  });
});

describe("time", () => {
  test("an attempt ends after its timeout", async () => {
    const backend = await sink();
    backend.answer = () => "wait";
    const { consume, clock } = exporter({ endpoint: backend.endpoint });
    const result = consume("traces");
    await backend.arrived(1);
    clock.advance(5_000);
    expect(await result).toEqual({
      status: "retryable",
      message: `The backend ${backend.endpoint} did not answer within 5000 ms.`,
    });
  });

  test("the backend learns that an attempt has ended", async () => {
    let closed: Promise<unknown> = Promise.resolve();
    const backend = await openRawBackend((stream) => {
      closed = new Promise((resolve) => stream.once("close", resolve));
    });
    afterwards(() => backend.close());
    const { consume, clock } = exporter({ endpoint: `127.0.0.1:${backend.port}` });
    const result = consume("traces");
    await backend.arrived(1);
    clock.advance(5_000);
    expect(await result).toMatchObject({ status: "retryable" });
    await closed;
    expect(backend.sessions[0]?.destroyed).toBe(false);
  });

  test("a shutdown ends the opening of a connection", async () => {
    let connected = () => {};
    const hasConnected = new Promise<void>((resolve) => {
      connected = resolve;
    });
    const silent = await openTcp(() => connected());
    afterwards(() => silent.close());
    const { consume, component } = exporter({ endpoint: `127.0.0.1:${silent.port}` });
    const result = consume("traces");
    await hasConnected;
    await component.shutdown(AbortSignal.abort());
    expect(await result).toMatchObject({ status: "retryable" });
  });

  test("a shutdown ends an attempt at its deadline", async () => {
    const backend = await sink();
    backend.answer = () => "wait";
    const { consume, component } = exporter({ endpoint: backend.endpoint });
    const result = consume("traces");
    await backend.arrived(1);
    const deadline = new AbortController();
    const stopped = component.shutdown(deadline.signal);
    deadline.abort();
    await stopped;
    expect(await result).toEqual({
      status: "retryable",
      message: `The request to ${backend.endpoint} was aborted because this collector is shutting down.`,
    });
  });

  test("a shutdown waits for the answer of an attempt", async () => {
    let finish = () => {};
    const raw = await openRawBackend((stream) => {
      finish = () => respond(stream);
    });
    afterwards(() => raw.close());
    const { consume, component } = exporter({ endpoint: `127.0.0.1:${raw.port}` });
    const result = consume("traces");
    await raw.arrived(1);
    const stopped = component.shutdown(noDeadline());
    finish();
    await stopped;
    expect(await result).toEqual({ status: "accepted" });
  });
});
