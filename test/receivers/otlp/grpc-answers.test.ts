import type { ClientHttp2Session } from "node:http2";
import { deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { compressionAlgorithms } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { reasons } from "../../../src/receivers/otlp/request-instruments.ts";
import { fakeMemory } from "../../support/fake-memory.ts";
import {
  type CallOptions,
  callGrpc,
  detailIn,
  exportPath,
  framed,
  grpcHeaders,
  grpcStatusOf,
  rawCall,
  rawSession,
  retryDelayMsIn,
} from "./grpc-client.ts";
import {
  closeReceivers,
  type OpenOptions,
  type OpenReceiver,
  openReceiver,
} from "./open-receiver.ts";
import {
  oneItem,
  oneOfTwoSpansMalformed,
  secret,
  signals,
  textBytes,
  traceIdHex,
} from "./otlp-requests.ts";

afterEach(closeReceivers);

const trace = oneItem("traces", "protobuf");
const nothing = new Uint8Array(0);

const open = (options: OpenOptions = {}) => openReceiver({ grpc: {}, ...options });

describe("a client of gRPC", () => {
  for (const signal of signals) {
    for (const [name, algorithm] of [
      ["without compression", compressionAlgorithms.identity],
      ["with gzip", compressionAlgorithms.gzip],
      ["with deflate", compressionAlgorithms.deflate],
    ] as const) {
      test(`has its ${signal} taken ${name}, and the pipeline gets the bytes`, async () => {
        const receiver = await open();
        const message = oneItem(signal, "protobuf");
        const { code, response } = await callGrpc(receiver.grpcPort, signal, message, {
          channel: { "grpc.default_compression_algorithm": algorithm },
        });
        expect([code, new Uint8Array(response!)]).toEqual([0, nothing]);
        expect(receiver.payloads).toMatchObject([{ signal, items: 1, transport: "grpc" }]);
        expect(new Uint8Array(receiver.payloads[0]!.bytes)).toEqual(new Uint8Array(message));
        expect(await receiver.refused("grpc")).toEqual({});
      });
    }
  }

  test("may send a request without items, which no pipeline gets", async () => {
    const receiver = await open();
    const envelope = otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [{ scopeSpans: [{ spans: [] }] }],
    }).finish();
    for (const message of [nothing, envelope]) {
      const { code, response } = await callGrpc(receiver.grpcPort, "traces", message);
      expect([code, response?.length]).toEqual([0, 0]);
    }
    expect(receiver.payloads).toEqual([]);
  });

  test("is told how many spans were malformed, and the others are taken", async () => {
    const receiver = await open();
    const message = oneOfTwoSpansMalformed("protobuf");
    const { code, response } = await callGrpc(receiver.grpcPort, "traces", message);
    expect(code).toBe(0);
    const { partialSuccess } = otlp.ExportTraceServiceResponse.decode(response!);
    expect(Number(partialSuccess!.rejectedSpans)).toBe(1);
    expect(partialSuccess!.errorMessage).toMatch(/span_id/);
    expect(receiver.payloads.map(({ items }) => items)).toEqual([1]);
  });

  interface Case {
    readonly what: string;
    readonly code: number;
    readonly says: RegExp;
    readonly reason: string;
    readonly open?: OpenOptions;
    readonly call?: CallOptions;
    readonly message?: Uint8Array;
    readonly warns?: RegExp;
  }
  const cases: readonly Case[] = [
    {
      what: "an unknown service",
      call: { path: `/${secret}.v1.Service/Export` },
      code: 12,
      says: /no OTLP service/,
      reason: "unknown_path",
      warns: /no such service and method/,
    },
    {
      what: "an unknown method",
      call: { path: exportPath("traces").replace("Export", "Import") },
      code: 12,
      says: /no OTLP service/,
      reason: "unknown_path",
    },
    {
      what: "a signal without a pipeline",
      open: { signals: ["logs"] },
      code: 12,
      says: /No pipeline receives traces/,
      reason: "no_pipeline",
      warns: /Name the receiver in a pipeline/,
    },
    {
      what: "bytes that are no request",
      message: textBytes(`not OTLP: ${secret}`),
      code: 3,
      says: /valid protobuf/,
      reason: "undecodable",
      warns: /cannot be decoded/,
    },
    {
      what: "a request that lacks its end",
      message: trace.subarray(0, -3),
      code: 3,
      says: /./,
      reason: "undecodable",
    },
    {
      what: "a message over the limit",
      open: { grpc: { max_recv_msg_size_mib: 1 } },
      message: new Uint8Array(1024 * 1024 + 1),
      code: 8,
      says: /1048576 bytes/,
      reason: "too_large",
      warns: /raise max_recv_msg_size_mib/,
    },
    {
      what: "a message over the limit after decompression",
      open: { grpc: { max_recv_msg_size_mib: 1 } },
      message: new Uint8Array(1024 * 1024 + 1),
      call: { channel: { "grpc.default_compression_algorithm": compressionAlgorithms.gzip } },
      code: 8,
      says: /1048576 bytes/,
      reason: "too_large",
    },
    {
      what: "a message of millions of empty resources",
      message: Buffer.alloc(1024 * 1024, Uint8Array.of(0x0a, 0)),
      code: 8,
      says: /beyond 100000 messages/,
      reason: "too_complex",
      warns: /holds more than one request may/,
    },
    {
      what: "headers over the limit",
      call: { metadata: { long: "x".repeat(17_000) } },
      code: 8,
      says: /16384 bytes/,
      reason: "headers_too_large",
    },
  ];
  for (const { what, code, says, reason, warns = /./, ...given } of cases) {
    test(`gets ${code} for ${what}`, async () => {
      const receiver = await open({ grpc: {}, ...given.open });
      const message = given.message ?? trace;
      const result = await callGrpc(receiver.grpcPort, "traces", message, given.call);
      expect([result.code, result.details]).toEqual([code, expect.stringMatching(says)]);
      expect(retryDelayMsIn(result)).toBeUndefined();
      expect(await receiver.refused("grpc")).toEqual({ [reason]: 1 });
      expect(await receiver.refused("http")).toEqual({});
      expect(receiver.payloads).toEqual([]);
      const seen = JSON.stringify([result.details, receiver.lines]);
      expect(seen).not.toMatch(new RegExp(`${secret}|${traceIdHex}`));
      if (reason !== "headers_too_large") {
        expect(receiver.lines.filter(({ level }) => level === "warn")).toEqual([
          {
            level: "warn",
            message: expect.stringMatching(warns),
            fields: expect.objectContaining({ reason, requests: 1 }),
          },
        ]);
      }
    });
  }

  test("gets a BadRequest with what cannot be decoded", async () => {
    const receiver = await open();
    const { metadata, details } = await callGrpc(receiver.grpcPort, "traces", textBytes("garbage"));
    const { fieldViolations } = otlp.RpcBadRequest.decode(detailIn(metadata, "BadRequest")!);
    expect(fieldViolations).toMatchObject([{ description: details }]);
  });

  for (const [what, result, code, delayMs] of [
    ["a refusal for now", { status: "retryable", message: "Full." }, 14, 1_000],
    [
      "a refusal for a while",
      { status: "retryable", message: "Full.", retryAfterMs: 2_001 },
      14,
      2_001,
    ],
    [
      "a backend that throttles",
      { status: "retryable", message: "Full.", retryAfterMs: 30_000, throttled: true },
      8,
      30_000,
    ],
    [
      "a backend that throttles without saying for how long",
      { status: "retryable", message: "Full.", throttled: true },
      8,
      1_000,
    ],
    ["a refusal for good", { status: "permanent", message: "Full." }, 13, undefined],
  ] as const satisfies readonly (readonly [string, ConsumeResult, number, number | undefined])[]) {
    test(`gets ${code} for ${what}`, async () => {
      for (const isEarly of [false, true]) {
        const receiver = await open(
          isEarly ? { refusal: () => result } : { consume: async () => result },
        );
        const answer = await callGrpc(receiver.grpcPort, "traces", trace);
        expect([answer.code, answer.details, retryDelayMsIn(answer)]).toEqual([
          code,
          "Full.",
          delayMs,
        ]);
        expect(await receiver.refused("grpc")).toEqual(isEarly ? { pipeline_refused: 1 } : {});
      }
    });
  }

  test("gets 13 when a pipeline throws, and the next call is taken", async () => {
    let isFirst = true;
    const receiver = await open({
      async consume() {
        if (isFirst) {
          isFirst = false;
          throw new Error(secret);
        }
        return accepted;
      },
    });
    const { code, details } = await callGrpc(receiver.grpcPort, "traces", trace);
    expect([code, details]).toEqual([13, expect.stringMatching(/bug/)]);
    expect(await receiver.refused("grpc")).toEqual({ fault: 1 });
    expect(JSON.stringify(receiver.lines)).not.toContain(secret);
    expect((await callGrpc(receiver.grpcPort, "traces", trace)).code).toBe(0);
  });

  test("reads a message that is not ASCII as it was meant", async () => {
    const message = 'voll – 100 % "ü" 😀\n\ud800';
    const receiver = await open({ consume: async () => ({ status: "permanent", message }) });
    const { details } = await callGrpc(receiver.grpcPort, "traces", trace);
    expect(details).toBe(message.toWellFormed());
  });

  test("has large messages taken, 50 at a time over one connection", async () => {
    const receiver = await open({ memory: fakeMemory({ limitMiB: 4096 }) });
    const big = Buffer.concat([
      trace,
      Buffer.from([0x9a, 0x06]),
      varint(500_000),
      Buffer.alloc(500_000, 7),
    ]);
    const session = rawSession(receiver.grpcPort);
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => rawCall(session, [framed(big)]).answer),
    );
    expect(answers.map(grpcStatusOf)).toEqual(Array(50).fill("0"));
    expect(receiver.payloads.every(({ bytes }) => Buffer.compare(bytes, big) === 0)).toBe(true);
    session.destroy();
  });
});

describe("on the wire", () => {
  let receiver: OpenReceiver;
  let session: ClientHttp2Session;
  beforeEach(async () => {
    receiver = await open({ grpc: { max_recv_msg_size_mib: 1 } });
    session = rawSession(receiver.grpcPort);
  });
  afterEach(() => session.destroy());

  test("success is a head, a message and trailers", async () => {
    const { head, trailers, body, rstCode } = await rawCall(session, [framed(trace)]).answer;
    expect([head?.[":status"], head?.["content-type"], trailers?.["grpc-status"]]).toEqual([
      200,
      "application/grpc",
      "0",
    ]);
    expect([head?.["grpc-status"], [...body], rstCode]).toEqual([undefined, [0, 0, 0, 0, 0], 0]);
  });

  const doubled = Buffer.concat([framed(trace), framed(trace)]);
  for (const [what, pieces, status, reason, headers] of [
    ["no message", [], "12", "message_count", {}],
    ["two messages", [doubled], "12", "message_count", {}],
    ["half a prefix", [framed(trace).subarray(0, 3)], "13", "malformed_grpc", {}],
    ["half a message", [framed(trace).subarray(0, -1)], "13", "malformed_grpc", {}],
    ["an unknown flag", [framed(trace, 2)], "13", "malformed_grpc", {}],
    ["a compressed message without an encoding", [framed(trace, 1)], "13", "malformed_grpc", {}],
    [
      "a compressed message with the encoding identity",
      [framed(trace, 1)],
      "13",
      "malformed_grpc",
      { "grpc-encoding": "identity" },
    ],
    [
      "bytes that are not compressed as announced",
      [framed(trace, 1)],
      "3",
      "undecodable",
      { "grpc-encoding": "gzip" },
    ],
    ["an unknown encoding", [framed(trace)], "12", "content_encoding", { "grpc-encoding": "br" }],
    ["large headers", [framed(trace)], "8", "headers_too_large", { "x-large": "x".repeat(40_000) }],
    [
      "many headers",
      [framed(trace)],
      "8",
      "headers_too_large",
      Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`x-${index}`, "y"])),
    ],
    ["a timeout of nothing", [framed(trace)], "4", "timeout", { "grpc-timeout": "0m" }],
    ["a timeout of a nanosecond", [framed(trace)], "4", "timeout", { "grpc-timeout": "1n" }],
    ["a timeout that is none", [framed(trace)], "13", "malformed_grpc", { "grpc-timeout": "soon" }],
  ] as const) {
    test(`${what} gets ${status} in trailers only`, async () => {
      const call = rawCall(session, pieces, { headers: grpcHeaders(headers) });
      const { head, trailers, body } = await call.answer;
      expect([head?.[":status"], head?.["content-type"], head?.["grpc-status"]]).toEqual([
        200,
        "application/grpc",
        status,
      ]);
      expect([trailers, body.length]).toEqual([undefined, 0]);
      expect(head?.["grpc-accept-encoding"]).toBe(
        reason === "content_encoding" ? "identity,deflate,gzip,zstd" : undefined,
      );
      expect(await receiver.refused("grpc")).toEqual({ [reason]: 1 });
      expect(receiver.payloads).toEqual([]);
      expect(grpcStatusOf(await rawCall(session, [framed(trace)]).answer)).toBe("0");
    });
  }

  for (const [name, compress] of [
    ["gzip", gzipSync],
    ["deflate", deflateSync],
    ["zstd", zstdCompressSync],
  ] as const) {
    test(`${name} is decompressed, and a message without the flag is taken as it is`, async () => {
      const headers = grpcHeaders({ "grpc-encoding": name });
      for (const message of [framed(compress(trace), 1), framed(trace)]) {
        expect(grpcStatusOf(await rawCall(session, [message], { headers }).answer)).toBe("0");
      }
      expect(receiver.payloads.map(({ bytes }) => Buffer.from(bytes))).toEqual([
        Buffer.from(trace),
        Buffer.from(trace),
      ]);
    });
  }

  for (const [what, headers, status] of [
    ["another content type", { "content-type": "application/x-protobuf" }, 415],
    ["gRPC for browsers", { "content-type": "application/grpc-web+proto" }, 415],
    ["JSON in gRPC", { "content-type": "application/grpc+json" }, 415],
    ["another method", { ":method": "PUT" }, 405],
  ] as const) {
    test(`${what} gets ${status} and the remedy, in HTTP and in the log`, async () => {
      const call = rawCall(session, [framed(trace)], { headers: grpcHeaders(headers) });
      const { head, body } = await call.answer;
      expect([head?.[":status"], head?.["content-type"]]).toEqual([
        status,
        "text/plain; charset=utf-8",
      ]);
      expect(String(body)).toMatch(status === 415 ? /4318/ : /POST/);
      expect(receiver.lines.at(-1)).toMatchObject({
        level: "warn",
        message: expect.stringMatching(/is not a call of gRPC.*4318/),
      });
    });
  }

  for (const type of ["application/grpc+proto", "Application/gRPC", "application/grpc;v=1"]) {
    test(`the content type ${type} is one of gRPC`, async () => {
      const headers = grpcHeaders({ "content-type": type });
      expect(grpcStatusOf(await rawCall(session, [framed(trace)], { headers }).answer)).toBe("0");
    });
  }

  test("a call that is refused early is answered while it still sends, and the connection lives", async () => {
    const long = framed(new Uint8Array(8 * 1024 * 1024));
    const { answer } = rawCall(session, [long], { isOpen: true });
    expect((await answer).head?.["grpc-status"]).toBe("8");
    expect((await answer).rstCode).toBe(0);
    expect(grpcStatusOf(await rawCall(session, [framed(trace)]).answer)).toBe("0");
  });

  test("a message may arrive byte by byte", async () => {
    const bytes = [...framed(trace)].map((byte) => Uint8Array.of(byte));
    expect(grpcStatusOf(await rawCall(session, bytes).answer)).toBe("0");
    expect(receiver.payloads).toHaveLength(1);
  });
});

test("every reason is reported as 0 from the start", async () => {
  const receiver = await open();
  expect(await receiver.reasons("grpc")).toEqual(reasons.grpc);
  expect(receiver.component.receiver?.transports).toEqual(["http", "grpc"]);
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      bytes.push(rest);
      return Buffer.from(bytes);
    }
    bytes.push((rest % 128) | 128);
  }
}
