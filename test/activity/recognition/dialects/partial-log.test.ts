import { describe, expect, test } from "vitest";
import {
  camel,
  heartbeat,
  observe,
  proto,
  recordTime,
  request,
  resourceSpans,
  snake,
  started,
  text,
} from "../observed-records.ts";

describe("partial-span logs (S4)", () => {
  for (const [what, record] of [
    ["raw protobuf", heartbeat(undefined, { bytesValue: proto })],
    ["protobuf in base64", heartbeat("proto", { stringValue: proto.toString("base64") })],
    [
      "one ResourceSpans in base64",
      heartbeat(undefined, { stringValue: resourceSpans.toString("base64") }),
    ],
    ["JSON as Python writes it", heartbeat("json/v1", { stringValue: camel() })],
    [
      "JSON whose links have ids in base64",
      heartbeat("json/v1", {
        stringValue: camel({ links: [{ traceId: "AQIDBAUGBwgJCgsMDQ4PEA==" }] }),
      }),
    ],
    ["JSON as .NET writes it", heartbeat("json/v1", { stringValue: snake })],
    [
      "JSON of one ResourceSpans",
      heartbeat("json/v1", { stringValue: JSON.stringify(JSON.parse(camel()).resourceSpans[0]) }),
    ],
  ] as const) {
    test(`a heartbeat with ${what} is a start with a lease`, () => {
      const { signals, consumed, rest } = observe(request(record));
      expect(signals).toEqual([started]);
      expect(consumed).toBe(1);
      expect(rest.resourceLogs).toEqual([]);
    });
  }

  for (const [what, body] of [
    ["more values than fit into memory", camel({ values: Array(600_000).fill({}) })],
    ["spans in spans without end", `{${'"spans": [{'.repeat(50_000)}${"}]".repeat(50_000)}}`],
  ] as const) {
    test(`JSON with ${what} is malformed, and affects no other record`, () => {
      const large = heartbeat("json/v1", { stringValue: body });
      const good = heartbeat("json/v1", { stringValue: camel() });
      const { signals } = observe(request(large, good));
      expect(signals).toEqual([expect.objectContaining({ type: "malformed" }), started]);
    });
  }

  test("a frequency in a text that is longer than any interval is none", () => {
    const frequency = `${"0".repeat(1_000_000)}5000`;
    const { signals } = observe(request(heartbeat(undefined, { bytesValue: proto }, frequency)));
    expect(signals[0]!.intervalMs).toBe(0);
  });

  for (const [frequency, intervalMs] of [
    ["500ms", 500],
    ["1m30s", 90_000],
    ["5000", 5000],
    ["soon", 0],
    ["-5s", 0],
    ["", 0],
    ["1h", 3_600_000],
    ["1h1ms", 0],
    ["1000h", 0],
  ] as const) {
    test(`a frequency of ${JSON.stringify(frequency)} is ${intervalMs} ms`, () => {
      const { signals } = observe(request(heartbeat(undefined, { bytesValue: proto }, frequency)));
      expect(signals[0]!.intervalMs).toBe(intervalMs);
    });
  }

  for (const [what, frequency] of [
    ["hours", "1000h"],
    ["digits", `${"9".repeat(400)}`],
    ["digits and a unit", `${"9".repeat(400)}ms`],
    ["digits that a duration may not have", `${"9".repeat(40)}ms`],
  ] as const) {
    test(`a frequency beyond the longest lease, of many ${what}, is counted as such, and the start is none the less one`, () => {
      const { signals, consumed } = observe(
        request(heartbeat(undefined, { bytesValue: proto }, frequency)),
      );
      expect(signals.map(({ type }) => type)).toEqual(["start", "overlong"]);
      expect(consumed).toBe(1);
    });
  }

  test("a stop is an end, as of the record when the span has none", () => {
    const stop = (body: string) => ({
      ...recordTime,
      attributes: [text("partial.event", "stop"), text("partial.body.type", "json/v1")],
      body: { stringValue: body },
    });
    const { signals, consumed } = observe(
      request(stop(camel()), stop(camel({ endTimeUnixNano: "1795000002000000000" }))),
    );
    expect(signals.map(({ type, endMs, intervalMs }) => [type, endMs, intervalMs])).toEqual([
      ["end", 1_795_000_005_000, 0],
      ["end", 1_795_000_002_000, 0],
    ]);
    expect(consumed).toBe(2);
  });

  test("a record that cannot be read is malformed and forwarded, and affects no other", () => {
    const broken = [
      heartbeat("json/v1", { stringValue: "{" }),
      heartbeat("json/v1", {
        stringValue: '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xy"}]}]}]}',
      }),
      heartbeat("xml", { stringValue: "<span/>" }),
      heartbeat(undefined, { stringValue: "" }),
      heartbeat(undefined, { bytesValue: Buffer.from([0xff, 0xff, 0xff]) }),
      {
        ...heartbeat(undefined, { bytesValue: proto }),
        attributes: [text("partial.event", "pause")],
      },
    ];
    const { signals, consumed, rest } = observe(
      request(...broken, heartbeat(undefined, { bytesValue: proto })),
    );
    expect(signals.map(({ type }) => type)).toEqual([...broken.map(() => "malformed"), "start"]);
    expect(consumed).toBe(1);
    expect(rest.resourceLogs[0]!.scopeLogs![0]!.logRecords).toHaveLength(broken.length);
  });

  test("other records of the request are forwarded unchanged", () => {
    const plain = { body: { stringValue: "hello" }, attributes: [text("a", "b")] };
    const { rest } = observe(
      request(plain, heartbeat(undefined, { bytesValue: proto }), { ...plain, severityNumber: 9 }),
    );
    expect(
      rest.resourceLogs[0]!.scopeLogs![0]!.logRecords!.map(({ body }) => body!.stringValue),
    ).toEqual(["hello", "hello"]);
  });
});
