import { gzipSync } from "node:zlib";
import protobuf from "protobufjs/minimal.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Encoding } from "../../src/otlp/encode.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { oneItem, textBytes } from "../receivers/otlp/otlp-requests.ts";
import { post, typed } from "../receivers/otlp/post.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";

const mebibyte = 1 << 20;
/** Nearly the default of `max_request_body_size`. */
const size = 20 * mebibyte - 1000;

function filled(open: string, item: string, close: string, sizeBytes = size): string {
  return (
    open + item.repeat(Math.floor((sizeBytes - open.length - close.length) / item.length)) + close
  );
}

function listed(
  open: string,
  item: (index: number) => string,
  close: string,
  sizeBytes = size,
): string {
  const items: string[] = [];
  let length = open.length + close.length;
  for (let index = 0; length < sizeBytes; index++) {
    const text = item(index);
    items.push(text);
    length += text.length + 1;
  }
  return `${open}${items.slice(0, -1).join(",")}${close}`;
}

const span = JSON.stringify({
  traceId: "5b8efff798038103d269b633813fc60c",
  spanId: "eee19b7ec3c1b174",
  name: "execute_tool",
  kind: 1,
  startTimeUnixNano: "1544712660000000000",
  endTimeUnixNano: "1544712661000000000",
  attributes: [{ key: "gen_ai.tool.name", value: { stringValue: "bash" } }],
});
const toSpans = '{"resourceSpans":[{"scopeSpans":[{"spans":[';
const fromSpans = "]}]}]}";
const own = (index: number) => index.toString(36).padStart(5, "k");

/** A field of protobuf that holds bytes. */
function field(number: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const writer = protobuf.Writer.create();
  return writer
    .uint32((number << 3) | 2)
    .bytes(Buffer.concat(parts))
    .finish();
}

/** Nine million empty fields. */
const empty = (number: number) => Buffer.alloc(18_000_000, Uint8Array.of((number << 3) | 2, 0));
const keyValue = (key: string, stringValue: string) =>
  otlp.KeyValue.encode({ key, value: { stringValue } }).finish();
/** A log record that a dialect is looked for in. */
const marked = field(6, keyValue("partial.event", "heartbeat"));
const asRecord = (record: Uint8Array) => field(1, field(2, field(2, record)));

/** What the body has, the answers that are right, the signal, the body: JSON in a text, protobuf in bytes. */
const shapes: readonly (readonly [string, readonly number[], Signal, () => string | Uint8Array])[] =
  [
    [
      "attributes of a log record",
      [413],
      "logs",
      () => asRecord(Buffer.concat([marked, empty(6)])),
    ],
    [
      "values in the body of a log record",
      [200],
      "logs",
      () => asRecord(Buffer.concat([marked, field(5, field(5, empty(1)))])),
    ],
    [
      "attributes of a resource of a log record",
      [413],
      "logs",
      () => field(1, field(1, empty(1)), field(2, field(2, marked))),
    ],
    ["log records", [413], "logs", () => field(1, field(2, field(2, marked), empty(2)))],
    ["scopes of logs", [413], "logs", () => field(1, empty(2), field(2, field(2, marked)))],
    ["resources of logs", [413], "logs", () => Buffer.concat([empty(1), asRecord(marked)])],
    ["JSON of empty resources", [413], "traces", () => filled('{"resourceSpans":[', "{},", "{}]}")],
    ["empty spans", [413], "traces", () => filled(toSpans, "{},", `{}${fromSpans}`)],
    ["one unknown key", [413], "traces", () => filled("{", '"a":1,', '"a":1}')],
    ["unknown keys", [413], "traces", () => listed("{", (index) => `"${own(index)}":1`, "}")],
    ["indexes", [413], "traces", () => listed("{", (index) => `"${index}":1`, "}")],
    [
      "a key in each",
      [413],
      "traces",
      () => listed('{"x":[', (index) => `{"${own(index)}":1}`, "]}"),
    ],
    ["integers", [413], "traces", () => filled('{"x":[', "1,", "1]}")],
    [
      "long integers",
      [413],
      "traces",
      () => filled(`${toSpans}{"x":[`, "12345678901234567,", `1]}${fromSpans}`),
    ],
    ["arrays without end", [413, 400], "traces", () => filled('{"a":', "[", "")],
    [
      "bounds",
      [413],
      "metrics",
      () =>
        filled(
          '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"explicitBounds":[',
          "1,",
          "1]}]}}]}]}]}",
        ),
    ],
    [
      "escapes",
      [200, 413],
      "traces",
      () => filled(`${toSpans}{"name":"`, "\\ud800", `"}${fromSpans}`),
    ],
    [
      "one span of one text",
      [200, 413],
      "traces",
      () => filled(`${toSpans}"`, "a", `"${fromSpans}`),
    ],
    ["digits", [200, 413], "traces", () => filled(`${toSpans}{"kind":`, "1", `}${fromSpans}`)],
    ["white space", [200, 413], "traces", () => filled('{"x":[1,', " ", "2]}")],
    [
      "empty objects, nearly as many as fit",
      [200],
      "traces",
      () => filled('{"x":[', "{},", "{}]}", 1.3 * mebibyte),
    ],
    [
      "a key in each, nearly as many as fit",
      [200],
      "traces",
      () => listed('{"x":[', (index) => `{"${own(index)}":1.5}`, "]}", 3 * mebibyte),
    ],
    [
      "arrays in arrays, beside lists that are there twice",
      [413],
      "traces",
      () => {
        const depth = 350_000;
        const values = "[".repeat(depth) + "]".repeat(depth);
        return `{"resourceSpans":[{}],"resourceSpans":[{}],"x":${values}}`;
      },
    ],
    [
      "arrays in arrays, nearly as deep as allowed, beside lists that are there twice",
      [200],
      "traces",
      () => {
        const depth = 190_000;
        const values = "[".repeat(depth) + "]".repeat(depth);
        return `{"resourceSpans":[{}],"resourceSpans":[{}],"x":${values}}`;
      },
    ],
    [
      "spans of an SDK, too many",
      [413],
      "traces",
      () => filled(toSpans, `${span},`, `${span}${fromSpans}`),
    ],
    [
      "4 MiB of spans of an SDK",
      [200],
      "traces",
      () => filled(toSpans, `${span},`, `${span}${fromSpans}`, 4 * mebibyte),
    ],
    [
      "a body of 8 MiB of text",
      [200],
      "logs",
      () =>
        filled(
          '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"',
          "text ",
          '"}}]}]}]}',
          8 * mebibyte,
        ),
    ],
  ];

describe("A collector with the heap of the systemd unit survives a body of", () => {
  let collector: RunningCollector;

  beforeAll(async () => {
    collector = await startCollector({
      env: { NODE_OPTIONS: "--max-old-space-size=140" },
      overrides: ["exporters::debug::verbosity: basic"],
    });
  });

  afterAll(async () => {
    await collector.stop();
  });

  const send = async (signal: Signal, encoding: Encoding, body: Uint8Array) =>
    (
      await post(`${collector.endpoints.otlp}/v1/${signal}`, body, {
        ...typed(encoding, { "Content-Encoding": "gzip" }),
      })
    ).status;

  const goodStatus = async () =>
    (
      await post(`${collector.endpoints.otlp}/v1/traces`, oneItem("traces", "protobuf"), {
        ...typed("protobuf"),
      })
    ).status;

  for (const [what, statuses, signal, text] of shapes) {
    test(`${what}, once and four times at once, and answers another sender meanwhile`, async () => {
      const content = text();
      const encoding = typeof content === "string" ? "json" : "protobuf";
      const body = gzipSync(typeof content === "string" ? textBytes(content) : content, {
        level: 1,
      });
      expect(statuses).toContain(await send(signal, encoding, body));
      expect(await goodStatus()).toBe(200);
      const answers = [1, 2, 3, 4].map(() => send(signal, encoding, body));
      expect(await goodStatus()).toBe(200);
      for (const status of await Promise.all(answers)) {
        expect([...statuses, 503]).toContain(status);
      }
      expect(await goodStatus()).toBe(200);
    }, 60_000);
  }
});
