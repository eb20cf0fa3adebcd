import Long from "long";
import { describe, expect, test } from "vitest";
import { claimNames } from "../../../../src/activity/model/diagnosis.ts";
import { dialectNames } from "../../../../src/activity/model/dialects.ts";
import { SignalBatch, signalTypes } from "../../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind } from "../../../../src/activity/model/work.ts";
import { otlp } from "../../../../src/otlp/proto/generated.js";
import { createLogReader } from "../signal-readers.ts";

type Value = string | number;

const relay = "openclaw-activity-relay";
const traceId = Buffer.from("0102030405060708090a0b0c0d0e0f10", "hex");
const spanId = Buffer.from("00000000000000a1", "hex");
const atNano = Long.fromString("1795000005000000000", true);
const session = { "session.id": "9f2c-pseudonym" };

/** A record as the relay sends it. */
function event(
  eventName: string,
  attributes: Readonly<Record<string, Value>> = {},
  ids: otlp.LogRecord.$Properties = {},
): otlp.LogRecord.$Properties {
  return {
    timeUnixNano: atNano,
    observedTimeUnixNano: atNano,
    eventName,
    attributes: Object.entries(attributes).map(([key, value]) => ({
      key,
      value:
        typeof value === "string" ? { stringValue: value } : { intValue: Long.fromNumber(value) },
    })),
    ...ids,
  };
}

/** A request whose parts of a scope have these names and records. */
function request(
  ...parts: readonly (readonly [scope: string, ...records: otlp.LogRecord.$Properties[]])[]
): Uint8Array {
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "openclaw" } }] },
        scopeLogs: parts.map(([name, ...logRecords]) => ({ scope: { name }, logRecords })),
      },
    ],
  }).finish();
}

function observe(bytes: Uint8Array, options: { readonly forwardsClaims?: boolean } = {}) {
  const { observer, tools } = createLogReader(options);
  const signals = new SignalBatch();
  observer.read(bytes, signals);
  const rest = otlp.ExportLogsServiceRequest.decode(observer.rest(bytes));
  return {
    consumed: observer.consumedRecords,
    passedOn: (rest.resourceLogs ?? []).flatMap(({ scopeLogs }) =>
      (scopeLogs ?? []).flatMap(({ logRecords }) =>
        (logRecords ?? []).map(({ eventName }) => eventName),
      ),
    ),
    signals: Array.from({ length: signals.count }, (_, row) => ({
      type: Object.entries(signalTypes).find(([, type]) => type === signals.type.get(row))?.[0],
      dialect: dialectNames[signals.dialect.get(row)],
      kind: kindNames[toWorkKind(signals.kind.get(row))],
      claimed: signals.reportedOpen.get(row),
      completed: signals.reportedCompleted.get(row),
      name: tools.valueOf(signals.name.get(row)),
      trace: signals.trace3.get(row),
      span: signals.span1.get(row),
      seq: signals.seq.get(row),
      atMs: [signals.startMs.get(row), signals.endMs.get(row)].map((ms) => Math.round(ms)),
      references: signals.referencesTo.get(row) - signals.referencesFrom.get(row),
    })),
  };
}

const plain = {
  dialect: "session_claim",
  kind: "other",
  claimed: 0,
  completed: 0,
  name: undefined,
  trace: 0,
  span: 0,
  seq: 0,
  atMs: [1_795_000_005_000, 1_795_000_005_000],
  references: 1,
};

describe("what a gateway reports of its sessions (S9)", () => {
  test("a claim names its session, its order and the work that hangs", () => {
    const { signals } = observe(
      request([
        relay,
        event(
          "session.stalled",
          {
            ...session,
            "openclaw.seq": 41,
            "openclaw.activeWorkKind": "tool_call",
            "gen_ai.tool.name": "exec",
            "openclaw.queueDepth": 2,
            "openclaw.classification": "blocked_tool_call",
            "openclaw.ageMs": 130_000,
          },
          { traceId, spanId },
        ),
      ]),
    );
    expect(signals).toEqual([
      {
        ...plain,
        type: "claim",
        kind: "tool",
        claimed: claimNames.indexOf("stalled"),
        completed: 3,
        name: "exec",
        trace: 0x0d0e0f10,
        span: 0xa1,
        seq: 41,
      },
    ]);
  });

  for (const [eventName, attributes, want] of [
    ["session.stalled", {}, { type: "claim", claimed: claimNames.indexOf("stalled") }],
    ["session.stuck", {}, { type: "claim", claimed: claimNames.indexOf("stuck") }],
    ["session.long_running", {}, { type: "claim", claimed: claimNames.indexOf("long_running") }],
    [
      "session.recovery.requested",
      { "openclaw.queueDepth": 0 },
      { type: "claim", claimed: claimNames.indexOf("recovery"), completed: 1 },
    ],
    [
      "session.recovery.completed",
      { "openclaw.action": "abort", "openclaw.status": "aborted", "openclaw.queueDepth": 4 },
      { type: "recovered", completed: 5 },
    ],
    ["session.state", { "openclaw.state": "idle", "openclaw.queueDepth": 0 }, { type: "idle" }],
    [
      "session.state",
      { "openclaw.state": "idle", "openclaw.queueDepth": 1 },
      { type: "queued", completed: 2 },
    ],
    [
      "session.state",
      { "openclaw.state": "processing", "openclaw.queueDepth": 0 },
      { type: "queued", completed: 1 },
    ],
    ["message.queued", { "openclaw.queueDepth": 3 }, { type: "queued", completed: 4 }],
    ["message.queued", {}, { type: "queued", completed: 2 }],
    [
      "session.activity.evicted",
      { "openclaw.evictedTools": 2, "openclaw.evictedModelCalls": 1 },
      { type: "evictedBySender", claimed: 2, completed: 1 },
    ],
    [
      "session.activity.evicted",
      { "openclaw.evictedTools": 1 },
      { type: "evictedBySender", claimed: 1 },
    ],
  ] as const) {
    test(`${eventName} with ${JSON.stringify(attributes)} is ${want.type}`, () => {
      const { signals, consumed } = observe(
        request([relay, event(eventName, { ...session, ...attributes })]),
      );
      expect(signals).toEqual([{ ...plain, ...want }]);
      expect(consumed).toBe(1);
    });
  }

  for (const [workKind, toolName, kind] of [
    ["tool_call", "exec", "tool"],
    ["model_call", undefined, "model_call"],
    ["embedded_run", undefined, "run"],
    ["something_new", undefined, "other"],
    [undefined, "exec", "tool"],
  ] as const) {
    test(`work of kind ${workKind} and name ${toolName} is of kind ${kind}`, () => {
      const attributes = {
        ...session,
        ...(workKind === undefined ? {} : { "openclaw.activeWorkKind": workKind }),
        ...(toolName === undefined ? {} : { "gen_ai.tool.name": toolName }),
      };
      const { signals } = observe(request([relay, event("session.stuck", attributes)]));
      expect(signals).toMatchObject([{ kind, name: toolName }]);
    });
  }

  test("a session key as the name of a tool is no name", () => {
    const attributes = { ...session, "gen_ai.tool.name": "agent:main:main" };
    expect(observe(request([relay, event("session.stalled", attributes)])).signals).toMatchObject([
      { type: "claim", name: undefined },
    ]);
  });

  test("a span alone identifies the session", () => {
    const { signals } = observe(request([relay, event("session.stuck", {}, { traceId, spanId })]));
    expect(signals).toMatchObject([{ type: "claim", span: 0xa1, references: 0 }]);
  });

  test("an idle session without the length of its queue has no signal, and is consumed", () => {
    const state = event("session.state", { ...session, "openclaw.state": "idle" });
    expect(observe(request([relay, state]))).toEqual({ signals: [], consumed: 1, passedOn: [] });
  });

  for (const [what, eventName, attributes] of [
    ["that names nothing", "session.stalled", { "openclaw.queueDepth": 1 }],
    ["whose depth is a text", "session.stalled", { ...session, "openclaw.queueDepth": "many" }],
    ["whose depth is negative", "message.queued", { ...session, "openclaw.queueDepth": -1 }],
    [
      "whose depth is beyond all bounds",
      "message.queued",
      { ...session, "openclaw.queueDepth": 2 ** 31 },
    ],
    ["of a state without the state", "session.state", { ...session, "openclaw.queueDepth": 0 }],
    ["of an eviction of nothing", "session.activity.evicted", session],
    [
      "of an eviction without a number",
      "session.activity.evicted",
      { ...session, "openclaw.evictedTools": "all" },
    ],
  ] as const) {
    test(`a record ${what} is malformed and affects no other`, () => {
      const { signals, consumed } = observe(
        request([relay, event(eventName, attributes), event("session.stuck", session)]),
      );
      expect(signals.map(({ type, dialect }) => [type, dialect])).toEqual([
        ["malformed", "session_claim"],
        ["claim", "session_claim"],
      ]);
      expect(consumed).toBe(2);
    });
  }
});

describe("the scope of a claim", () => {
  test("an event of another scope is no claim and is forwarded, whatever its name", () => {
    const bytes = request(
      ["openclaw-activity-collector", event("session.stalled", session, { traceId, spanId })],
      [relay, event("session.stalled", session)],
      ["", event("session.activity.evicted", { ...session, "openclaw.evictedTools": 1 })],
    );
    const { signals, consumed, passedOn } = observe(bytes);
    expect(signals).toMatchObject([{ type: "claim", span: 0 }]);
    expect(consumed).toBe(1);
    expect(passedOn).toEqual(["session.stalled", "session.activity.evicted"]);
  });

  test("other records of the relay are forwarded", () => {
    const { passedOn } = observe(request([relay, event("gen_ai.agent.paused", session)]));
    expect(passedOn).toEqual(["gen_ai.agent.paused"]);
  });

  test("with forwardsClaims they are read and forwarded", () => {
    const bytes = request([relay, event("session.stuck", session)]);
    expect(observe(bytes, { forwardsClaims: true })).toMatchObject({
      signals: [{ type: "claim" }],
      consumed: 0,
      passedOn: ["session.stuck"],
    });
  });

  test("the name of the scope counts even if it comes after the records", () => {
    const record = otlp.ScopeLogs.encode({ logRecords: [event("session.stuck", session)] });
    const scope = otlp.ScopeLogs.encode({ scope: { name: relay } });
    const part = Buffer.concat([record.finish(), scope.finish()]);
    const inPart = (bytes: Uint8Array, tag: number) =>
      Buffer.concat([Buffer.from([tag, (bytes.length & 0x7f) | 0x80, bytes.length >> 7]), bytes]);
    const bytes = inPart(inPart(part, 0x12), 0x0a);
    expect(otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs).toHaveLength(1);
    expect(observe(bytes)).toMatchObject({ signals: [{ type: "claim" }], consumed: 1 });
  });
});

test("a pause and its end have the relay's order", () => {
  const { signals } = observe(
    request([
      relay,
      event("gen_ai.agent.paused", { ...session, "openclaw.seq": 7 }, { traceId, spanId }),
      event("gen_ai.agent.resumed", { ...session, "openclaw.seq": 9 }, { traceId, spanId }),
    ]),
  );
  expect(signals.map(({ type, seq }) => [type, seq])).toEqual([
    ["pause", 7],
    ["resume", 9],
  ]);
});
