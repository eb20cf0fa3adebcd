import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Signal } from "../../src/otlp/payload.ts";
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

/** What the body has, the answers that are right, the signal, the body. */
const shapes: readonly (readonly [string, readonly number[], Signal, () => string])[] = [
  ["empty resources", [413], "traces", () => filled('{"resourceSpans":[', "{},", "{}]}")],
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
  ["one span of one text", [200, 413], "traces", () => filled(`${toSpans}"`, "a", `"${fromSpans}`)],
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
    [200],
    "traces",
    () => {
      const depth = 350_000;
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

describe("A collector with the heap of the systemd unit survives JSON of", () => {
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

  const send = async (signal: Signal, body: Uint8Array) =>
    (
      await post(`${collector.endpoints.otlp}/v1/${signal}`, body, {
        ...typed("json", { "Content-Encoding": "gzip" }),
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
      const body = gzipSync(textBytes(text()), { level: 1 });
      expect(statuses).toContain(await send(signal, body));
      expect(await goodStatus()).toBe(200);
      const answers = [1, 2, 3, 4].map(() => send(signal, body));
      expect(await goodStatus()).toBe(200);
      for (const status of await Promise.all(answers)) {
        expect([...statuses, 503]).toContain(status);
      }
      expect(await goodStatus()).toBe(200);
    }, 60_000);
  }
});
