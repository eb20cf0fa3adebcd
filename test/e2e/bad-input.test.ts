import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { gzipBomb } from "../net/gzip-bomb.ts";
import { rawSocket } from "../net/raw-socket.ts";
import {
  contentTypes,
  oneItem,
  oneOfTwoSpansMalformed,
  signals,
  textBytes,
} from "../receivers/otlp/otlp-requests.ts";
import { type PostOptions, post, statusOf, typed } from "../receivers/otlp/post.ts";
import { captured } from "../support/captures.ts";
import fc from "../support/fast-check.ts";
import { scrape } from "../support/metrics-page.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { until } from "../support/prometheus.ts";

const mebibyte = 1 << 20;
/** The default of `max_request_body_size`. */
const limit = 20 * mebibyte;
/** What the process may need above its rest, whatever it is sent. */
const mostGrowth = 400 * mebibyte;

const span = oneItem("traces", "protobuf");
const protobuf = contentTypes.protobuf;
const asJson = (text: string) => ({ body: textBytes(text), ...typed("json") });
const asProtobuf = (body: Uint8Array, more: Readonly<Record<string, string>> = {}) => ({
  body,
  ...typed("protobuf", more),
});

interface BadRequest extends PostOptions {
  readonly path?: string;
  readonly body: Uint8Array;
}

/** What is wrong, the status, the code of google.rpc.Code, the reason it is counted under, the request. */
const table: readonly (readonly [string, number, number, string, BadRequest])[] = [
  ["bytes that are no protobuf", 400, 3, "undecodable", asProtobuf(textBytes("not protobuf"))],
  ["a message that breaks off", 400, 3, "undecodable", asProtobuf(span.subarray(0, -4))],
  ["JSON that breaks off", 400, 3, "undecodable", asJson('{"resourceSpans": [')],
  ["JSON of another shape", 400, 3, "undecodable", asJson('{"resourceSpans": 7}')],
  ["JSON that is no object", 400, 3, "undecodable", asJson('"spans"')],
  [
    "JSON that is 100 000 levels deep",
    400,
    3,
    "undecodable",
    asJson(`{"resourceSpans": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
  ],
  [
    "a body that is not compressed as announced",
    400,
    3,
    "undecodable",
    asProtobuf(span, { "Content-Encoding": "gzip" }),
  ],
  [
    "a compressed body that breaks off",
    400,
    3,
    "undecodable",
    asProtobuf(gzipSync(span).subarray(0, -8), { "Content-Encoding": "gzip" }),
  ],
  [
    "an unknown encoding",
    400,
    3,
    "content_encoding",
    asProtobuf(span, { "Content-Encoding": "br" }),
  ],
  [
    "several encodings",
    400,
    3,
    "content_encoding",
    asProtobuf(gzipSync(gzipSync(span)), { "Content-Encoding": "gzip, gzip" }),
  ],
  ["an unknown path", 404, 12, "unknown_path", { path: "/v1/profiles", ...asProtobuf(span) }],
  ["another method", 405, 12, "method", { method: "PUT", ...asProtobuf(span) }],
  [
    "another type",
    415,
    12,
    "content_type",
    { body: span, headers: { "Content-Type": "text/xml" } },
  ],
  ["no type", 415, 12, "content_type", { body: span }],
  [
    "one byte over the limit, as announced",
    413,
    8,
    "too_large",
    asProtobuf(new Uint8Array(limit + 1)),
  ],
  [
    "one byte over the limit, unannounced",
    413,
    8,
    "too_large",
    { ...asProtobuf(new Uint8Array(limit + 1)), isChunked: true },
  ],
  [
    "one byte over the limit when inflated",
    413,
    8,
    "too_large",
    asProtobuf(gzipSync(new Uint8Array(limit + 1)), { "Content-Encoding": "gzip" }),
  ],
];

describe("the real process, when it is sent", () => {
  let collector: RunningCollector;
  let accepted = 0;

  beforeAll(async () => {
    collector = await startCollector();
  });

  afterAll(async () => {
    await collector?.stop();
  });

  const telemetry = () => scrape(collector.endpoints.telemetry);
  const refusedFor = async (reason: string) =>
    (await telemetry()).sum("otelcol_receiver_refused_requests", { reason });

  function postBad({ path = "/v1/traces", body, ...options }: BadRequest) {
    return post(`${collector.endpoints.otlp}${path}`, body, options);
  }

  /** The next good request is taken and counted. */
  async function expectWell(): Promise<void> {
    const answer = await post(`${collector.endpoints.otlp}/v1/traces`, span, typed("protobuf"));
    expect(answer.status).toBe(200);
    accepted += 1;
    expect((await telemetry()).sum("otelcol_receiver_accepted_spans")).toBe(accepted);
  }

  for (const [what, status, code, reason, request] of table) {
    test(`${what}, answers ${status}, counts it, and takes the next good request`, async () => {
      const before = await refusedFor(reason);
      const answer = await postBad(request);
      expect(answer.status).toBe(status);
      expect(statusOf(answer).code).toBe(code);
      expect(statusOf(answer).message).toMatch(/^[A-Z].*\.$/);
      expect(await refusedFor(reason)).toBe(before + 1);
      await expectWell();
    });
  }

  test("a body over the limit on a connection that will not be kept, answers at once and closes only when all of it was sent", async () => {
    const sender = await rawSocket(Number(new URL(collector.endpoints.otlp).port));
    const half = new Uint8Array(limit / 2 + 1);
    sender.send(
      `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${protobuf}\r\nContent-Length: ${2 * half.length}\r\n\r\n`,
    );
    sender.send(half);
    expect(await sender.heard("at most")).toMatch(/^HTTP\/1.1 413 /);
    let isClosed = false;
    const closed = sender.closed().then(() => {
      isClosed = true;
    });
    await expectWell();
    expect(isClosed).toBe(false);
    sender.send(half);
    await closed;
  });

  for (const encoding of ["protobuf", "json"] as const) {
    test(`a malformed span among good ones in ${encoding}, takes the good ones and says how many it left out`, async () => {
      const answer = await postBad({
        body: oneOfTwoSpansMalformed(encoding),
        ...typed(encoding),
      });
      expect(answer.status).toBe(200);
      const { partialSuccess } =
        encoding === "json"
          ? JSON.parse(new TextDecoder().decode(answer.body))
          : otlp.ExportTraceServiceResponse.decode(answer.body);
      expect(Number(partialSuccess.rejectedSpans)).toBe(1);
      accepted += 1;
      await expectWell();
    });
  }

  test("what is not HTTP, or breaks off, counts each and takes the next good request", async () => {
    const port = Number(new URL(collector.endpoints.otlp).port);
    const noHttp = await rawSocket(port);
    noHttp.send("HELO there\r\n\r\n");
    expect(await noHttp.closed()).toMatch(/^HTTP\/1.1 400 /);

    const longHead = await rawSocket(port);
    longHead.send(
      `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    );
    expect(await longHead.closed()).toMatch(/^HTTP\/1.1 431 /);

    const leaver = await rawSocket(port);
    leaver.send(
      `POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${protobuf}\r\nContent-Length: 1000\r\n\r\nhalf`,
    );
    await expectWell();
    leaver.destroy();
    await until("the broken request was counted", 5_000, async () => {
      return (await refusedFor("disconnected")) === 1;
    });
    expect(await refusedFor("malformed_http")).toBe(1);
    expect(await refusedFor("headers_too_large")).toBe(1);
    await expectWell();
  });

  test("bombs of 1 GiB, eight at a time, refuses each and stays within its memory", async () => {
    const bomb = await gzipBomb(1024);
    expect(bomb.length).toBeLessThan(limit);
    await expectWell();
    const restingBytes = peakOf(collector);
    const before = await refusedFor("too_large");
    const gzip = asProtobuf(bomb, { "Content-Encoding": "gzip" });
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        postBad({ ...gzip, path: `/v1/${signals[index % signals.length]}` }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 413));
    expect(await refusedFor("too_large")).toBe(before + 8);
    await expectWell();
    if (restingBytes !== undefined) {
      expect(peakOf(collector)! - restingBytes).toBeLessThan(mostGrowth);
    }
  });

  test("real requests with wrong bytes in them, answers 200 or 400 and never fails", async () => {
    const real = (["v430-nested", "v610-orphan-tool", "v9x-healthy"] as const).flatMap(captured);
    const restingBytes = peakOf(collector);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...real),
        fc.constantFrom(...signals),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        fc.double({ min: 0.2, max: 1, noNaN: true }),
        async ({ body }, signal, changes, part) => {
          const bytes = Uint8Array.from(body.subarray(0, Math.ceil(body.length * part)));
          for (const [at, value] of changes) {
            bytes[at % bytes.length] = value;
          }
          const answer = await postBad({ path: `/v1/${signal}`, ...asProtobuf(bytes) });
          expect([200, 400]).toContain(answer.status);
        },
      ),
      { numRuns: 400 },
    );
    const page = await telemetry();
    expect(page.text).toContain("otelcol_component_exceptions");
    expect(page.sum("otelcol_component_exceptions")).toBe(0);
    expect(page.sum("otelcol_receiver_refused_requests", { reason: "fault" })).toBe(0);
    accepted = page.sum("otelcol_receiver_accepted_spans");
    await expectWell();
    if (restingBytes !== undefined) {
      expect(peakOf(collector)! - restingBytes).toBeLessThan(mostGrowth);
    }
  });

  test("all of that, says nothing worse than a warning, and ends with 0", async () => {
    const { exitCode, signal, stderr } = await collector.stop();
    expect({ exitCode, signal }).toEqual({ exitCode: 0, signal: null });
    expect(stderr.split("\n").filter((line) => line.includes("\terror\t"))).toEqual([]);
  });
});

/** The most memory the process has ever had resident, in bytes; undefined where the system does not tell. */
function peakOf({ pid }: RunningCollector): number | undefined {
  if (process.platform !== "linux") {
    return undefined;
  }
  const [, kibibytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}
