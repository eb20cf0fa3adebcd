import Long from "long";
import { describe, expect, test } from "vitest";
import { dialectNames } from "../../../src/activity/model/dialects.ts";
import { SignalBatch, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind } from "../../../src/activity/model/work.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createLogReader } from "./signal-readers.ts";

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const traceId = Buffer.from("0102030405060708090a0b0c0d0e0f10", "hex");
const spanId = Buffer.from("00000000000000a1", "hex");
const startNano = 1_795_000_000_123_456_789n;

/** A logs request of one resource with these records. */
function request(...records: readonly otlp.LogRecord.$Properties[]): Uint8Array {
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: { attributes: [text("service.name", "agent"), text("host.name", "box")] },
        scopeLogs: [{ logRecords: [...records] }],
      },
    ],
  }).finish();
}

const nameOf = (names: Readonly<Record<string, number>>, value: number) =>
  Object.keys(names).find((name) => names[name] === value);

/** Nanoseconds fit a double to less than a microsecond. */
const rounded = (ms: number) => Math.round(ms * 100) / 100;

/** Every signal of a request, as a test compares them. */
function observe(bytes: Uint8Array) {
  const { observer } = createLogReader();
  const signals = new SignalBatch();
  observer.read(bytes, signals);
  return {
    consumed: observer.consumedRecords,
    rest: otlp.ExportLogsServiceRequest.decode(observer.rest(bytes)),
    signals: Array.from({ length: signals.count }, (_, row) => ({
      type: nameOf(signalTypes, signals.type.get(row)),
      dialect: dialectNames[signals.dialect.get(row)],
      kind: kindNames[toWorkKind(signals.kind.get(row))],
      trace: [signals.trace0, signals.trace3].map((word) => word.get(row)),
      span: [signals.span0.get(row), signals.span1.get(row)],
      parent: [signals.parent0.get(row), signals.parent1.get(row)],
      startMs: rounded(signals.startMs.get(row)),
      endMs: rounded(signals.endMs.get(row)),
      intervalMs: signals.intervalMs.get(row),
      sentMs: rounded(signals.sentMs.get(row)),
      hasKey: signals.key0.get(row) !== 0 || signals.key1.get(row) !== 0,
      references: signals.referencesTo(row) - signals.referencesFrom(row),
      seq: signals.seq.get(row),
    })),
  };
}

const recordTime = { timeUnixNano: Long.fromString("1795000005000000000", true) };
const tracesData = {
  resourceSpans: [
    {
      resource: { attributes: [text("service.name", "agent"), text("host.name", "box")] },
      scopeSpans: [
        {
          spans: [
            {
              traceId,
              spanId,
              parentSpanId: Buffer.from("00000000000000b2", "hex"),
              name: "execute_tool exec",
              startTimeUnixNano: Long.fromString(String(startNano), true),
              attributes: [text("gen_ai.operation.name", "execute_tool")],
            },
          ],
        },
      ],
    },
  ],
};
const proto = Buffer.from(otlp.ExportTraceServiceRequest.encode(tracesData).finish());
const resourceSpans = Buffer.from(otlp.ResourceSpans.encode(tracesData.resourceSpans[0]!).finish());
const camel = (span: object = {}) =>
  JSON.stringify({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: traceId.toString("hex"),
                spanId: spanId.toString("hex"),
                parentSpanId: "00000000000000b2",
                name: "execute_tool exec",
                kind: "SPAN_KIND_INTERNAL",
                startTimeUnixNano: String(startNano),
                attributes: [
                  { key: "gen_ai.operation.name", value: { stringValue: "execute_tool" } },
                ],
                status: {},
                ...span,
              },
            ],
          },
        ],
      },
    ],
  });
/** As .NET writes it: snake case, numbers that a double cannot hold, the status where the trace state belongs. */
const snake = `{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"${traceId.toString("hex")}",
  "span_id":"00000000000000a1","parent_span_id":"00000000000000b2","name":"execute_tool exec","kind":1,
  "trace_state":"Unset","start_time_unix_nano":${startNano},
  "attributes":[{"key":"gen_ai.operation.name","value":{"string_value":"execute_tool"}}]}]}]}]}`;

const heartbeat = (
  type: string | undefined,
  body: otlp.AnyValue.$Properties,
  frequency = "5000ms",
) => ({
  ...recordTime,
  attributes: [
    text("partial.event", "heartbeat"),
    text("partial.frequency", frequency),
    ...(type === undefined ? [] : [text("partial.body.type", type)]),
  ],
  body,
});

const started = {
  type: "start",
  dialect: "partial_log",
  kind: "tool",
  trace: [0x01020304, 0x0d0e0f10],
  span: [0, 0xa1],
  parent: [0, 0xb2],
  startMs: 1_795_000_000_123.46,
  endMs: 1_795_000_005_000,
  intervalMs: 5000,
  sentMs: 1_795_000_005_000,
  hasKey: false,
  references: 0,
  seq: 0,
};

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

  for (const [frequency, intervalMs] of [
    ["500ms", 500],
    ["1m30s", 90_000],
    ["5000", 5000],
    ["soon", 0],
    ["-5s", 0],
    ["", 0],
    ["1000h", 0],
  ] as const) {
    test(`a frequency of ${JSON.stringify(frequency)} is ${intervalMs} ms`, () => {
      const { signals } = observe(request(heartbeat(undefined, { bytesValue: proto }, frequency)));
      expect(signals[0]!.intervalMs).toBe(intervalMs);
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

  test("a record that cannot be read is counted and passed on, and costs no other", () => {
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

  test("other records of the request pass on unharmed", () => {
    const plain = { body: { stringValue: "hello" }, attributes: [text("a", "b")] };
    const { rest } = observe(
      request(plain, heartbeat(undefined, { bytesValue: proto }), { ...plain, severityNumber: 9 }),
    );
    expect(
      rest.resourceLogs[0]!.scopeLogs![0]!.logRecords!.map(({ body }) => body!.stringValue),
    ).toEqual(["hello", "hello"]);
  });
});

describe("span-state logs (S5)", () => {
  const state = (event: string, body: string) => ({
    ...recordTime,
    attributes: [text("span.state", event), text("log.body.type", "json/v1")],
    body: { stringValue: body },
  });

  test("ids that lack leading zeros are the same ids", () => {
    const body = camel({
      traceId: "102030405060708090a0b0c0d0e0f10",
      spanId: "a1",
      parentSpanId: "b2",
    });
    const { signals, consumed } = observe(request(state("heartbeat", body), state("ended", body)));
    expect(
      signals.map(({ type, dialect, span, parent, intervalMs }) => [
        type,
        dialect,
        span,
        parent,
        intervalMs,
      ]),
    ).toEqual([
      ["start", "span_state_log", [0, 0xa1], [0, 0xb2], 5000],
      ["end", "span_state_log", [0, 0xa1], [0, 0xb2], 0],
    ]);
    expect(signals[0]!.trace).toEqual([0x01020304, 0x0d0e0f10]);
    expect(consumed).toBe(2);
  });

  test("another state is none of ours", () => {
    const { signals, consumed } = observe(request(state("started", camel())));
    expect(signals.map(({ type }) => type)).toEqual(["malformed"]);
    expect(consumed).toBe(0);
  });
});

describe("session events (S7)", () => {
  const event = (eventName: string, ...attributes: readonly otlp.KeyValue.$Properties[]) => ({
    ...recordTime,
    eventName,
    attributes: [...attributes],
  });

  test("an end names its session, by the sender's clock and order", () => {
    const seq = { key: "openclaw.seq", value: { intValue: Long.fromNumber(41) } };
    const { signals, consumed } = observe(
      request(event("session.end", text("session.id", "s1"), seq)),
    );
    expect(signals).toMatchObject([
      {
        type: "sessionEnd",
        dialect: "session_event",
        endMs: 1_795_000_005_000,
        references: 1,
        seq: 41,
      },
    ]);
    expect(consumed).toBe(0);
  });

  test("a start that names the session before is that one's end", () => {
    const { signals } = observe(
      request(event("session.start", text("session.id", "s2"), text("session.previous_id", "s1"))),
    );
    expect(signals).toMatchObject([
      { type: "sessionEnd", references: 1 },
      { type: "sessionStart", references: 1 },
    ]);
  });

  test("the name may stand in an attribute, as older senders have it", () => {
    const record = { attributes: [text("event.name", "session.end"), text("session.id", "s1")] };
    expect(observe(request(record)).signals).toMatchObject([{ type: "sessionEnd" }]);
  });

  test("text that only mentions the name is no event", () => {
    const record = { body: { stringValue: "after session.end" } };
    expect(observe(request(record)).signals).toEqual([]);
  });
});

describe("pauses (S8)", () => {
  const event = (eventName: string, ...attributes: readonly otlp.KeyValue.$Properties[]) => ({
    ...recordTime,
    eventName,
    traceId,
    spanId,
    attributes: [...attributes],
  });
  const id = text("gen_ai.agent.pause.id", "p1");

  test("name the span that waits, the session, and which wait it is", () => {
    const { signals, consumed } = observe(
      request(
        event("gen_ai.agent.paused", id, text("gen_ai.conversation.id", "c1")),
        event("gen_ai.agent.pause.resolved", id),
        event("gen_ai.agent.paused"),
        event("gen_ai.agent.resumed"),
      ),
    );
    expect(
      signals.map(({ type, span, hasKey, references }) => [type, span, hasKey, references]),
    ).toEqual([
      ["pause", [0, 0xa1], true, 1],
      ["resume", [0, 0xa1], true, 0],
      ["pause", [0, 0xa1], true, 0],
      ["resume", [0, 0xa1], false, 0],
    ]);
    expect(consumed).toBe(0);
  });

  test("of two sessions that are told by nothing but their names are two waits", () => {
    const pauseOf = (session: string) => ({
      ...recordTime,
      eventName: "gen_ai.agent.paused",
      attributes: [text("gen_ai.conversation.id", session)],
    });
    const signals = new SignalBatch();
    createLogReader().observer.read(request(pauseOf("c1"), pauseOf("c2"), pauseOf("c1")), signals);
    const keyOf = (row: number) => `${signals.key0.get(row)}:${signals.key1.get(row)}`;
    expect(keyOf(2)).toBe(keyOf(0));
    expect(new Set([keyOf(0), keyOf(1), "0:0"]).size).toBe(3);
  });
});

describe("bytes that are no logs request", () => {
  for (const [what, bytes] of [
    ["garbage with a name in it", Buffer.from("entity.state \xff\xff\xff", "latin1")],
    [
      "a request that is cut off",
      request(heartbeat(undefined, { bytesValue: proto })).subarray(0, 90),
    ],
    ["nothing", new Uint8Array(0)],
  ] as const) {
    test(`${what} tells nothing`, () => {
      const { observer } = createLogReader();
      const signals = new SignalBatch();
      observer.read(bytes, signals);
      expect([signals.count, observer.consumedRecords]).toEqual([0, 0]);
    });
  }
});
