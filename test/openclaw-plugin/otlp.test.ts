import { describe, expect, test } from "vitest";
import { OtlpEncoder } from "../../openclaw-plugin/src/otlp.ts";
import { ProtobufWriter } from "../../openclaw-plugin/src/protobuf-writer.ts";
import type { ClaimRecord, SpanRecord } from "../../openclaw-plugin/src/relay-record.ts";
import { decodeLogs, decodeSpans } from "./otlp-decoder.ts";

const resource = {
  serviceName: "openclaw",
  serviceVersion: "2026.9.6",
  hostName: "host",
  hostId: "0123",
  processPid: 70_000,
  serviceInstanceId: "instance-1",
};

const tool: SpanRecord = {
  signal: "span",
  phase: "end",
  isProgress: false,
  kind: "tool",
  traceId: "0123456789abcdef0123456789abcdef",
  spanId: "0123456789abcdef",
  parentSpanId: "fedcba9876543210",
  startMs: 1_795_358_493_234,
  endMs: 1_795_358_493_436,
  session: "5e55",
  seq: 300,
  isError: true,
  name: "exec",
  outcome: "timed_out",
  errorCategory: "Error",
  channel: undefined,
  provider: undefined,
  model: undefined,
};

const received = {
  "service.name": "openclaw",
  "service.version": "2026.9.6",
  "service.instance.id": "instance-1",
  "host.name": "host",
  "host.id": "0123",
  "process.pid": 70_000,
};

describe("the request that carries spans", () => {
  test("is what another reader of OTLP reads", () => {
    const request = new OtlpEncoder(resource).traces([tool, { ...tool, phase: "start", endMs: 0 }]);
    const [end, start] = decodeSpans(request);

    expect(end).toEqual({
      resource: received,
      scope: "openclaw-activity-relay 0.1.0",
      traceId: tool.traceId,
      spanId: tool.spanId,
      parentSpanId: tool.parentSpanId,
      name: "openclaw.tool.execution",
      kind: 1,
      startMs: tool.startMs,
      endMs: tool.endMs,
      attributes: {
        "session.id": "5e55",
        "openclaw.seq": 300,
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "exec",
        "openclaw.outcome": "timed_out",
        "openclaw.errorCategory": "Error",
      },
      statusCode: 2,
    });
    expect(start).toEqual({ ...end, endMs: undefined });
  });

  test("marks a start that is sent again for progress, and no other", () => {
    const start = { ...tool, phase: "start", endMs: 0 } as const;
    const request = new OtlpEncoder(resource).traces([{ ...start, isProgress: true }, start]);
    const [progress, plain] = decodeSpans(request);

    expect(progress).toEqual({
      ...plain,
      attributes: { ...plain!.attributes, "openclaw.progress": true },
    });
    expect(plain!.attributes).not.toHaveProperty("openclaw.progress");
  });

  test.each([
    ["harness", "openclaw.harness.run", 1, { "openclaw.harness.id": "exec" }],
    ["run", "openclaw.run", 1, {}],
    [
      "tool",
      "openclaw.tool.execution",
      1,
      { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "exec" },
    ],
    ["model_call", "openclaw.model.call", 3, { "gen_ai.operation.name": "chat" }],
  ] as const)("a start of kind %s is named as OpenClaw names it", (kind, name, spanKind, own) => {
    const record = {
      ...tool,
      kind,
      phase: "start",
      isError: false,
      parentSpanId: "",
      outcome: undefined,
      errorCategory: undefined,
    } as const;

    expect(decodeSpans(new OtlpEncoder(resource).traces([record]))).toEqual([
      {
        resource: received,
        scope: "openclaw-activity-relay 0.1.0",
        traceId: tool.traceId,
        spanId: tool.spanId,
        parentSpanId: "",
        name,
        kind: spanKind,
        startMs: tool.startMs,
        endMs: undefined,
        attributes: { "session.id": "5e55", "openclaw.seq": 300, ...own },
        statusCode: 0,
      },
    ]);
  });
});

describe("the request that carries events", () => {
  test("a heartbeat names the process and how often to expect one", () => {
    const request = new OtlpEncoder(resource).logs([
      { signal: "process", event: "entity.state", atMs: 1_000, lost: 3 },
    ]);

    expect(decodeLogs(request)).toEqual([
      {
        resource: received,
        scope: "openclaw-activity-relay 0.1.0",
        eventName: "entity.state",
        atMs: 1_000,
        observedMs: 1_000,
        traceId: "",
        spanId: "",
        attributes: {
          "entity.type": "service.instance",
          "entity.id": { "service.instance.id": "instance-1" },
          "entity.report.interval": 10,
          "openclaw.relay.lost": 3,
        },
      },
    ]);
  });

  test("the end of a session names its pseudonym and what came before", () => {
    const request = new OtlpEncoder(resource).logs([
      { signal: "session", event: "session.end", session: "5e55", seq: 12, atMs: 1_000 },
    ]);

    expect(decodeLogs(request)).toMatchObject([
      { eventName: "session.end", attributes: { "session.id": "5e55", "openclaw.seq": 12 } },
    ]);
  });
});

describe("the request that carries what the gateway says of its sessions", () => {
  const ids = { traceId: tool.traceId, spanId: tool.spanId };
  const nothing: ClaimRecord = {
    signal: "claim",
    event: "session.state",
    session: undefined,
    traceId: "",
    spanId: "",
    seq: 7,
    atMs: 1_795_358_493_234,
    state: undefined,
    reason: undefined,
    classification: undefined,
    activeWorkKind: undefined,
    toolName: undefined,
    queueDepth: undefined,
    ageMs: undefined,
    lastProgressAgeMs: undefined,
    action: undefined,
    status: undefined,
    evictedTools: undefined,
    evictedModelCalls: undefined,
  };
  const everything: ClaimRecord = {
    ...nothing,
    ...ids,
    event: "session.stalled",
    session: "5e55",
    state: "processing",
    reason: "blocked_tool_call",
    classification: "blocked_tool_call",
    activeWorkKind: "tool_call",
    toolName: "bash",
    queueDepth: 0,
    ageMs: 70_201_000_000,
    lastProgressAgeMs: 12,
    action: "keep_lane",
    status: "skipped",
    evictedTools: 1,
    evictedModelCalls: 0,
  };

  test("is what another reader of OTLP reads, and what is not known is left out", () => {
    const common = {
      resource: received,
      scope: "openclaw-activity-relay 0.1.0",
      atMs: nothing.atMs,
      observedMs: nothing.atMs,
    };

    expect(decodeLogs(new OtlpEncoder(resource).logs([everything, nothing]))).toEqual([
      {
        ...common,
        ...ids,
        eventName: "session.stalled",
        attributes: {
          "session.id": "5e55",
          "openclaw.seq": 7,
          "openclaw.state": "processing",
          "openclaw.reason": "blocked_tool_call",
          "openclaw.classification": "blocked_tool_call",
          "openclaw.activeWorkKind": "tool_call",
          "gen_ai.tool.name": "bash",
          "openclaw.queueDepth": 0,
          "openclaw.ageMs": 70_201_000_000,
          "openclaw.lastProgressAgeMs": 12,
          "openclaw.action": "keep_lane",
          "openclaw.status": "skipped",
          "openclaw.evictedTools": 1,
          "openclaw.evictedModelCalls": 0,
        },
      },
      {
        ...common,
        traceId: "",
        spanId: "",
        eventName: "session.state",
        attributes: { "openclaw.seq": 7 },
      },
    ]);
  });

  test.each(["gen_ai.agent.paused", "gen_ai.agent.resumed"] as const)(
    "%s names its pause and the span that waits",
    (event) => {
      const request = new OtlpEncoder(resource).logs([
        { signal: "pause", event, pause: "ab", session: "5e55", ...ids, seq: 3, atMs: 1_000 },
      ]);

      expect(decodeLogs(request)).toMatchObject([
        {
          eventName: event,
          ...ids,
          atMs: 1_000,
          attributes: {
            "session.id": "5e55",
            "openclaw.seq": 3,
            "gen_ai.agent.pause.id": "ab",
          },
        },
      ]);
    },
  );
});

describe("protobuf", () => {
  test.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 21, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER])(
    "a message of %i is as long as it says",
    (value) => {
      const writer = new ProtobufWriter();
      writer.message(1, () => writer.message(2, () => writer.integer(3, value)));
      const length = Math.min(value, 40_000);
      writer.message(4, () => writer.text(5, "x".repeat(length)));
      const reader = new Reader(writer.since(0));

      expect(reader.message(1).message(2).integer(3)).toBe(value);
      expect(reader.message(4).message(5).rest()).toBe("x".repeat(length));
    },
  );
});

/** Reads the next field, which has to be the one that is asked for. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  message(field: number): Reader {
    expect(this.#varint()).toBe(field * 8 + 2);
    const length = this.#varint();
    this.#at += length;
    return new Reader(this.#bytes.subarray(this.#at - length, this.#at));
  }

  integer(field: number): number {
    expect(this.#varint()).toBe(field * 8);
    return this.#varint();
  }

  rest(): string {
    return this.#bytes.subarray(this.#at).toString();
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte % 128) * factor;
      if (byte < 128) {
        return value;
      }
    }
  }
}
