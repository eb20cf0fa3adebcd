import { describe, expect, test } from "vitest";
import { checkRequest } from "../../src/otlp/check-request.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { requestLimits } from "../../src/otlp/request-limits.ts";
import { requestFromJson } from "../support/json-requests.ts";

/** A field of protobuf that holds bytes. */
function field(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  let rest = content.length;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    length.push((rest % 0x80) + 0x80);
  }
  return Buffer.concat([Uint8Array.from([number * 8 + 2, ...length, rest]), content]);
}

const empty = (number: number, count: number) =>
  Buffer.alloc(2 * count, Uint8Array.of(number * 8 + 2, 0));
const one = { high: 0, low: 1, unsigned: false };
const inRequest = (...records: readonly Uint8Array[]) => field(1, field(2, ...records));
const span = Buffer.concat([
  field(1, Buffer.alloc(16, 1)),
  field(2, Buffer.alloc(8, 1)),
  field(5, Buffer.from("a")),
]);

const { freeMessages } = requestLimits;
/** Empty messages beyond the free ones, of which each has two bytes for the next. */
const tooMany = freeMessages * 2;

/** What a request is full of, the signal, and the request with so many of it. */
const empties: readonly (readonly [string, Signal, (count: number) => Uint8Array])[] = [
  ["resources", "traces", (count) => empty(1, count)],
  ["scopes", "logs", (count) => field(1, empty(2, count))],
  ["log records", "logs", (count) => inRequest(empty(2, count))],
  ["spans", "traces", (count) => inRequest(empty(2, count))],
  ["metrics", "metrics", (count) => inRequest(empty(2, count))],
  ["data points", "metrics", (count) => inRequest(field(2, field(5, empty(1, count))))],
  ["quantiles", "metrics", (count) => inRequest(field(2, field(11, field(1, empty(6, count)))))],
  ["exemplars", "metrics", (count) => inRequest(field(2, field(5, field(1, empty(5, count)))))],
  ["attributes of a resource", "logs", (count) => field(1, field(1, empty(1, count)))],
  ["attributes of a scope", "logs", (count) => field(1, field(2, field(1, empty(3, count))))],
  ["attributes of a span", "traces", (count) => inRequest(field(2, span, empty(9, count)))],
  ["events", "traces", (count) => inRequest(field(2, span, empty(11, count)))],
  ["links", "traces", (count) => inRequest(field(2, span, empty(13, count)))],
];

describe("a request", () => {
  for (const [what, signal, request] of empties) {
    test(`of empty ${what} by the hundred thousand is too complex, one of fewer is not`, () => {
      expect(checkRequest(signal, request(tooMany))).toEqual({
        ok: false,
        problem: "too_complex",
        message: expect.stringContaining(`beyond ${freeMessages} messages`),
      });
      expect(checkRequest(signal, request(freeMessages / 2))).toMatchObject({ ok: true });
    });
  }

  for (const [what, signal, record] of [
    ["spans that have nothing but their ids and a name", "traces", span],
    [
      "attributes of one character",
      "traces",
      Buffer.concat([
        span,
        Buffer.alloc(
          11 * 5_000,
          field(9, field(1, Buffer.from("a")), field(2, field(1, Buffer.from("b")))),
        ),
      ]),
    ],
    [
      "data points of a time and a value",
      "metrics",
      Buffer.from(
        otlp.Metric.encode({
          name: "a",
          gauge: {
            dataPoints: Array.from({ length: 3_000 }, () => ({ timeUnixNano: one, asDouble: 1 })),
          },
        }).finish(),
      ),
    ],
    [
      "log records of a time and a word",
      "logs",
      Buffer.from(
        otlp.LogRecord.encode({ timeUnixNano: one, body: { stringValue: "a" } }).finish(),
      ),
    ],
    [
      "lists of small numbers",
      "logs",
      Buffer.from(
        otlp.LogRecord.encode({
          timeUnixNano: one,
          body: {
            arrayValue: { values: Array.from({ length: 1_000 }, () => ({ intValue: one })) },
          },
        }).finish(),
      ),
    ],
  ] as const) {
    test(`of 8 MiB of ${what} is within the limits`, () => {
      const unit = field(2, record);
      const count = Math.floor((8 << 20) / unit.length);
      const checked = checkRequest(signal, inRequest(Buffer.alloc(unit.length * count, unit)));
      expect(checked).toMatchObject({ ok: true, rejected: 0 });
    });
  }

  test("of more records than the limit is too complex, whatever they hold", () => {
    const record = field(2, Uint8Array.of(0x45, 1, 0, 0, 0));
    const request = (count: number) =>
      checkRequest("logs", inRequest(Buffer.alloc(record.length * count, record)));
    expect(request(requestLimits.records)).toMatchObject({
      ok: true,
      items: requestLimits.records,
    });
    expect(request(requestLimits.records + 1)).toMatchObject({ ok: false, problem: "too_complex" });
  });

  test("in JSON that nests too deep is too complex before it is parsed", () => {
    const nested = (depth: number) =>
      requestFromJson("traces", `{"x":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`);
    expect(nested(requestLimits.jsonDepth)).toMatchObject({ ok: true });
    expect(nested(requestLimits.jsonDepth + 1)).toMatchObject({
      ok: false,
      problem: "too_complex",
    });
  });
});
