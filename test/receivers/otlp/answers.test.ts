import { afterEach, describe, expect, test } from "vitest";
import type { ConsumeResult } from "../../../src/component/consumer.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { reasons } from "../../../src/receivers/otlp/request-instruments.ts";
import { closeReceivers, type OpenOptions, openReceiver } from "./open-receiver.ts";
import {
  contentTypes,
  encodings,
  oneItem,
  oneOfTwoSpansMalformed,
  secret,
  signals,
  textBytes,
  traceIdHex,
} from "./otlp-requests.ts";
import { post, type Received, statusOf, typed } from "./post.ts";

afterEach(closeReceivers);

const nothing = new Uint8Array(0);
const garbage = textBytes(`not OTLP: ${secret}`);

for (const encoding of encodings) {
  const type = contentTypes[encoding];
  const success = encoding === "json" ? textBytes("{}") : nothing;
  const trace = oneItem("traces", encoding);

  describe(`a sender that speaks ${encoding}`, () => {
    for (const signal of signals) {
      test(`has its ${signal} taken, and the pipeline gets protobuf`, async () => {
        const receiver = await openReceiver();
        const body = oneItem(signal, encoding);
        const received = await post(`${receiver.url}/v1/${signal}`, body, typed(encoding));
        expect([received.status, received.headers["content-type"], received.body]).toEqual([
          200,
          type,
          success,
        ]);
        expect(receiver.payloads).toHaveLength(1);
        const [payload] = receiver.payloads;
        expect(payload).toMatchObject({ signal, items: 1, transport: "http" });
        expect(new Uint8Array(payload!.bytes)).toEqual(new Uint8Array(oneItem(signal, "protobuf")));
        expect(await receiver.refused()).toEqual({});
      });
    }

    test("may send a request without items, which no pipeline gets", async () => {
      const receiver = await openReceiver();
      const empty = encoding === "json" ? textBytes("{}") : nothing;
      const envelope =
        encoding === "json"
          ? textBytes('{"resourceSpans":[{"scopeSpans":[{"spans":[]}]}]}')
          : otlp.ExportTraceServiceRequest.encode({
              resourceSpans: [{ scopeSpans: [{ spans: [] }] }],
            }).finish();
      for (const body of [empty, envelope]) {
        const received = await post(`${receiver.url}/v1/traces`, body, typed(encoding));
        expect([received.status, received.body]).toEqual([200, success]);
      }
      expect(receiver.payloads).toEqual([]);
    });

    test("is told how many spans were malformed, and the others are taken", async () => {
      const receiver = await openReceiver();
      const body = oneOfTwoSpansMalformed(encoding);
      const received = await post(`${receiver.url}/v1/traces`, body, typed(encoding));
      const { partialSuccess } =
        encoding === "json"
          ? JSON.parse(new TextDecoder().decode(received.body))
          : otlp.ExportTraceServiceResponse.decode(received.body);
      expect([received.status, received.headers["content-type"]]).toEqual([200, type]);
      expect(Number(partialSuccess.rejectedSpans)).toBe(1);
      expect(partialSuccess.errorMessage).toMatch(/span_id/);
      expect(receiver.payloads.map((payload) => payload.items)).toEqual([1]);
    });

    const cases: readonly {
      readonly what: string;
      readonly open?: OpenOptions;
      readonly path?: string;
      readonly body?: Uint8Array;
      readonly method?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly status: number;
      readonly code: number;
      readonly says: RegExp;
      readonly reason: string;
      readonly answers?: Readonly<Record<string, string>>;
    }[] = [
      {
        what: "an unknown path",
        path: "/v2/traces",
        status: 404,
        code: 12,
        says: /no OTLP endpoint/,
        reason: "unknown_path",
      },
      {
        what: "a signal without a pipeline",
        open: { signals: ["logs"] },
        status: 404,
        code: 12,
        says: /No pipeline receives traces/,
        reason: "no_pipeline",
      },
      {
        what: "another method",
        method: "PUT",
        status: 405,
        code: 12,
        says: /POST/,
        reason: "method",
        answers: { allow: "POST" },
      },
      {
        what: "an unknown content encoding",
        headers: { "Content-Encoding": "br" },
        status: 400,
        code: 3,
        says: /identity, gzip, zstd, zlib, deflate/,
        reason: "content_encoding",
      },
      {
        what: "a content encoding that is switched off",
        open: { http: { compression_algorithms: ["", "gzip"] } },
        headers: { "Content-Encoding": "zstd" },
        status: 400,
        code: 3,
        says: /identity, gzip\./,
        reason: "content_encoding",
      },
      {
        what: "no compression where it is demanded",
        open: { http: { compression_algorithms: ["gzip"] } },
        status: 400,
        code: 3,
        says: /one of gzip\./,
        reason: "content_encoding",
      },
      {
        what: "bytes that are no request",
        body: garbage,
        status: 400,
        code: 3,
        says: /./,
        reason: "undecodable",
      },
      {
        what: "a request that lacks its end",
        body: trace.subarray(0, -3),
        status: 400,
        code: 3,
        says: /./,
        reason: "undecodable",
      },
      {
        what: "bytes that are not compressed as announced",
        headers: { "Content-Encoding": "gzip" },
        status: 400,
        code: 3,
        says: /gzip/,
        reason: "undecodable",
      },
      {
        what: "a body over the limit",
        open: { http: { max_request_body_size: "1KiB" } },
        body: new Uint8Array(1025),
        status: 413,
        code: 8,
        says: /1024 bytes/,
        reason: "too_large",
      },
      {
        what: "millions of empty resources",
        body:
          encoding === "json"
            ? new TextEncoder().encode(`{"resourceSpans":[${"{},".repeat(300_000)}{}]}`)
            : Buffer.alloc(1024 * 1024, Uint8Array.of(0x0a, 0)),
        status: 413,
        code: 8,
        says: /beyond 100000 messages/,
        reason: "too_complex",
      },
    ];
    for (const { what, status, code, says, reason, ...given } of cases) {
      test(`gets ${status} for ${what}, in its own encoding`, async () => {
        const receiver = await openReceiver(given.open);
        const received = await post(
          `${receiver.url}${given.path ?? "/v1/traces"}`,
          given.body ?? trace,
          { method: given.method ?? "POST", headers: { "Content-Type": type, ...given.headers } },
        );
        expect([received.status, received.headers["content-type"]]).toEqual([status, type]);
        expect(received.headers).toMatchObject(given.answers ?? {});
        const told = statusOf(received);
        expect(told.code).toBe(code);
        expect(told.message).toMatch(says);
        expect(Buffer.from(received.body).toString("latin1")).not.toMatch(
          new RegExp(`${secret}|${traceIdHex}`),
        );
        expect(await receiver.refused()).toEqual({ [reason]: 1 });
        expect(receiver.payloads).toEqual([]);
      });
    }

    test("is told by a BadRequest what cannot be decoded, and by none what cannot be taken", async () => {
      const receiver = await openReceiver({
        consume: async () => ({ status: "retryable", message: "Full." }),
      });
      const url = `${receiver.url}/v1/traces`;
      const received = await post(url, trace.subarray(0, -3), typed(encoding));
      expect(descriptionsOf(received)).toEqual([statusOf(received).message]);
      expect(descriptionsOf(await post(url, trace, typed(encoding)))).toEqual([]);
    });

    for (const [what, result, status, code, retryAfter] of [
      ["a refusal for now", { status: "retryable", message: "Full." }, 503, 14, "1"],
      [
        "a refusal for a while, rounded up to seconds",
        { status: "retryable", message: "Full.", retryAfterMs: 2_001 },
        503,
        14,
        "3",
      ],
      [
        "a backend that throttles",
        { status: "retryable", message: "Full.", retryAfterMs: 30_000, throttled: true },
        429,
        8,
        "30",
      ],
      ["a refusal for good", { status: "permanent", message: "Full." }, 500, 13, undefined],
    ] as const satisfies readonly (readonly [string, ConsumeResult, ...unknown[]])[]) {
      test(`gets ${status} for ${what}`, async () => {
        const receiver = await openReceiver({ consume: async () => result });
        const received = await post(`${receiver.url}/v1/traces`, trace, typed(encoding));
        expect([received.status, received.headers["retry-after"]]).toEqual([status, retryAfter]);
        expect(received.headers["content-type"]).toBe(type);
        expect(statusOf(received)).toEqual({ code, message: "Full." });
        expect(await receiver.refused()).toEqual({});
      });
    }

    test("gets 500 when a pipeline throws, and the next request is taken", async () => {
      let isFirst = true;
      const receiver = await openReceiver({
        async consume() {
          if (isFirst) {
            isFirst = false;
            throw new Error(secret);
          }
          return { status: "accepted" };
        },
      });
      const received = await post(`${receiver.url}/v1/traces`, trace, typed(encoding));
      expect([received.status, received.headers["content-type"]]).toEqual([500, type]);
      expect(statusOf(received).code).toBe(13);
      expect(await receiver.refused()).toEqual({ fault: 1 });
      expect(receiver.lines.at(-1)?.level).toBe("error");
      expect(JSON.stringify([receiver.lines, statusOf(received)])).not.toContain(secret);
      expect((await post(`${receiver.url}/v1/traces`, trace, typed(encoding))).status).toBe(200);
    });
  });
}

describe("the content type", () => {
  for (const [type, status] of [
    ["application/x-protobuf; charset=utf-8", 200],
    ["Application/X-Protobuf", 200],
    ["application/x-protobuf ;q=1", 200],
    ["application/protobuf", 415],
    ["text/plain", 415],
    ["", 415],
  ] as const) {
    test(`${JSON.stringify(type)} is answered with ${status}`, async () => {
      const receiver = await openReceiver();
      const headers: Record<string, string> = type === "" ? {} : { "Content-Type": type };
      const body = oneItem("traces", "protobuf");
      const received = await post(`${receiver.url}/v1/traces`, body, { headers });
      expect(received.status).toBe(status);
      if (status === 415) {
        expect(received.headers["content-type"]).toBe("application/json");
        expect(statusOf(received).message).toMatch(/application\/x-protobuf or application\/json/);
        expect(await receiver.refused()).toEqual({ content_type: 1 });
      } else {
        expect(received.headers["content-type"]).toBe("application/x-protobuf");
      }
    });
  }
});

test("JSON may come with a byte order mark and parameters", async () => {
  const receiver = await openReceiver();
  const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), oneItem("traces", "json")]);
  const headers = { "Content-Type": "application/json; charset=utf-8" };
  const received = await post(`${receiver.url}/v1/traces`, body, { headers });
  expect([received.status, received.headers["content-type"]]).toEqual([200, "application/json"]);
  expect(receiver.payloads).toHaveLength(1);
});

test("JSON of no bytes is no request", async () => {
  const receiver = await openReceiver();
  expect((await post(`${receiver.url}/v1/traces`, nothing, typed("json"))).status).toBe(400);
});

for (const [method, status] of [
  ["GET", 405],
  ["HEAD", 405],
  ["OPTIONS", 405],
  ["DELETE", 405],
] as const) {
  test(`${method} is answered with ${status} and what is allowed`, async () => {
    const receiver = await openReceiver();
    const received = await post(`${receiver.url}/v1/traces`, nothing, { method });
    expect([received.status, received.headers["allow"]]).toEqual([status, "POST"]);
    expect(received.headers["content-type"]).toBe("application/json");
  });
}

test("paths are as configured, and a query does not matter", async () => {
  const receiver = await openReceiver({ http: { traces_url_path: "/in" } });
  const body = oneItem("traces", "protobuf");
  expect((await post(`${receiver.url}/in?a=b`, body, typed("protobuf"))).status).toBe(200);
  expect((await post(`${receiver.url}/v1/traces`, body, typed("protobuf"))).status).toBe(404);
});

test("every reason is reported as 0 from the start", async () => {
  const receiver = await openReceiver();
  expect(await receiver.reasons()).toEqual(reasons.http);
  expect(await receiver.refused()).toEqual({});
});

describe("starting and stopping", () => {
  test("it says where it listens", async () => {
    const receiver = await openReceiver();
    expect(receiver.lines).toEqual([
      {
        level: "info",
        message: "Receiving OTLP over HTTP.",
        fields: { endpoint: `127.0.0.1:${receiver.port}` },
      },
    ]);
  });

  test("it does not start on a port that is taken", async () => {
    const receiver = await openReceiver();
    await expect(
      openReceiver({ http: { endpoint: `127.0.0.1:${receiver.port}` } }),
    ).rejects.toThrow(/Cannot listen on 127\.0\.0\.1:\d+: the address is already in use/);
  });

  test("a request in flight is answered before it has stopped; stopping twice is safe", async () => {
    let answer: (result: ConsumeResult) => void = () => {};
    let arrive: () => void = () => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const receiver = await openReceiver({
      consume: () =>
        new Promise((resolve) => {
          answer = resolve;
          arrive();
        }),
    });
    const received = post(
      `${receiver.url}/v1/traces`,
      oneItem("traces", "protobuf"),
      typed("protobuf"),
    );
    await arrived;
    const never = new AbortController().signal;
    const stopped = receiver.component.shutdown(never);
    answer({ status: "accepted" });
    expect((await received).status).toBe(200);
    await stopped;
    await receiver.component.shutdown(never);
  });
});

/** What the BadRequests in the details of a status say. */
function descriptionsOf({ headers, body }: Received): readonly unknown[] {
  if (headers["content-type"] === "application/json") {
    const { details = [] } = JSON.parse(new TextDecoder().decode(body));
    return details.flatMap((detail: { fieldViolations: { description: unknown }[] }) =>
      detail.fieldViolations.map(({ description }) => description),
    );
  }
  return otlp.RpcStatus.decode(body).details.flatMap(({ value }) =>
    otlp.RpcBadRequest.decode(value!).fieldViolations.map(({ description }) => description),
  );
}
