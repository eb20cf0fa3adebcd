import Long from "long";
import type { Payload } from "../../../src/otlp/payload.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";

/** The way of a history into a collector. */
export interface Sender {
  readonly send: (payload: Payload) => Promise<unknown>;
  readonly advance: (ms: number) => Promise<void>;
}

/** The config of the collectors that wrote the recordings of versions 3 and 4. */
export const recordedConfig = {
  close_spans: true,
  work_spans: [{ kind: "tool", match: { name: "background.*" }, detached: true }],
} as const;

/**
 * The input of the recorded collectors. It leaves open runs and tools of a relay, a claim, a pause, an unwatched process, a
 * detached tool, two requested tools that did not arrive (one of them evicted), a lease, and 60 tools whose eviction is held back.
 */
export async function historyBefore({ send, advance }: Sender): Promise<void> {
  await send(
    relayed("main", [
      { id: 1, trace: 1, session: "claimed", seq: 1, start: 0 },
      { id: 2, trace: 1, parent: 1, session: "claimed", seq: 2, start: 0, tool: "exec" },
      { id: 3, trace: 2, session: "paused", seq: 3, start: 0 },
      { id: 4, trace: 2, parent: 3, session: "paused", seq: 4, start: 0, tool: "ask" },
    ]),
  );
  await send(
    relayed("side", [
      { id: 1, trace: 3, session: "unwatched", seq: 1, start: 0 },
      { id: 2, trace: 3, parent: 1, session: "unwatched", seq: 2, start: 0, tool: "exec" },
    ]),
  );
  await send(
    spans("worker", [
      { id: 1, trace: 4, start: 0 },
      { id: 2, trace: 4, parent: 1, start: 1, tool: "backup", name: "background.copy" },
      { id: 3, trace: 4, parent: 1, start: 1, tool: "read" },
      { id: 1, trace: 5, start: 0 },
      { id: 2, trace: 5, parent: 1, start: 1, end: 2, tool: "browse", isSnapshot: true },
    ]),
  );
  await send(event("main", "gen_ai.agent.paused", { session: "paused", at: 1, seq: 5 }));
  await send(event("main", "session.stalled", { session: "claimed", at: 2, seq: 6, tool: "exec" }));
  await send(event("side", "openclaw.activity.unwatched", { at: 2 }));
  await advance(2_000);
  await send(spans("worker", [{ id: 1, trace: 4, start: 0, end: 2 }]));
  await send(finishedTurn({ trace: 6, calls: ["a", "b"], answered: "a" }));
  await send(finishedRun(6));
  await advance(11_000);
  await send(finishedTurn({ trace: 7, calls: ["c", "d"], answered: "c" }));
  await send(
    spans(
      "worker",
      massTraces.flatMap((trace) => [
        { id: 1, trace, start: 12 },
        { id: 2, trace, parent: 1, start: 12, tool: "grep" },
      ]),
    ),
  );
  await send(
    spans(
      "worker",
      massTraces.map((trace) => ({ id: 1, trace, start: 12, end: 13 })),
    ),
  );
  await advance(12_000);
}

/** The input between the snapshot and the kill. */
export async function historyAfterSnapshot({ send, advance }: Sender): Promise<void> {
  await send(spans("worker", [{ id: 5, trace: 5, parent: 1, start: 24, tool: "new" }]));
  await advance(200);
}

/** The input after the restart: it concerns all that was open, held, requested, detached or evicted before. */
export async function historyAfter({ send, advance }: Sender): Promise<void> {
  const [first = 0, second = 0] = massTraces;
  await send(
    spans("worker", [
      { id: 3, trace: 4, parent: 1, start: 1, end: 30, tool: "read" },
      { id: 2, trace: first, parent: 1, start: 12, end: 30, tool: "grep" },
      { id: 2, trace: 5, parent: 1, start: 1, end: 30, tool: "browse", isSnapshot: true },
    ]),
  );
  await send(
    relayed("side", [
      { id: 2, trace: 3, parent: 1, session: "unwatched", seq: 3, start: 0, end: 31, tool: "exec" },
    ]),
  );
  await send(finishedRun(7));
  await send(
    event("main", "session.stalled", { session: "claimed", at: 31, seq: 7, tool: "exec" }),
  );
  await advance(40_000);
  // Late ends: of a requested tool, and of one of the 60 tools.
  await send(finishedTool({ trace: 6, call: "b" }));
  await send(
    spans("worker", [{ id: 2, trace: second, parent: 1, start: 12, end: 40, tool: "grep" }]),
  );
  await send(event("main", "gen_ai.agent.resumed", { session: "paused", at: 70, seq: 8 }));
  await send(relayed("main", [{ id: 3, trace: 2, session: "paused", seq: 9, start: 0, end: 71 }]));
  await advance(180_000);
  await send(finishedTool({ trace: 7, call: "d" }));
  await send(
    spans("worker", [
      { id: 2, trace: 4, parent: 1, start: 1, end: 250, tool: "backup", name: "background.copy" },
    ]),
  );
  await advance(20_000);
}

const massTraces = Array.from({ length: 60 }, (_, at) => 100 + at);
const epochS = 1_795_001_000;
const relayScope = "openclaw-activity-relay";

interface Span {
  readonly id: number;
  readonly trace: number;
  readonly parent?: number;
  readonly name?: string;
  readonly tool?: string;
  readonly session?: string;
  readonly seq?: number;
  /** In seconds after the start of the clock. Without an end the span is open. */
  readonly start: number;
  readonly end?: number;
  /** A snapshot of Datadog's tracer: open, and with a lease. */
  readonly isSnapshot?: boolean;
  readonly attributes?: readonly otlp.KeyValue.$Properties[];
}

function spans(instance: string, all: readonly Span[]): Payload {
  return request(instance, "", all);
}

function relayed(instance: string, all: readonly Span[]): Payload {
  return request(instance, relayScope, all);
}

/** A model asked for two tools, one of them ran, and the model was called again. */
function finishedTurn(options: {
  readonly trace: number;
  readonly calls: readonly string[];
  readonly answered: string;
}): Payload {
  const { trace, calls, answered } = options;
  const parts = calls.map((id) => ({ type: "tool_call", id, name: "fetch", arguments: {} }));
  const messages = JSON.stringify([{ role: "assistant", parts }]);
  return spans("batch", [
    {
      ...{ id: 2, trace, parent: 1, start: 0, end: 1, name: "chat" },
      attributes: [text("gen_ai.operation.name", "chat"), text("gen_ai.output.messages", messages)],
    },
    toolSpan({ trace, call: answered }),
    {
      ...{ id: 9, trace, parent: 1, start: 2, end: 3, name: "chat" },
      attributes: [text("gen_ai.operation.name", "chat")],
    },
  ]);
}

function finishedRun(trace: number): Payload {
  const attributes = [text("gen_ai.operation.name", "invoke_agent")];
  return spans("batch", [{ id: 1, trace, name: "invoke_agent", start: 0, end: 4, attributes }]);
}

function finishedTool(options: { readonly trace: number; readonly call: string }): Payload {
  return spans("batch", [toolSpan(options)]);
}

function toolSpan({ trace, call }: { readonly trace: number; readonly call: string }): Span {
  return {
    ...{ id: 10 + call.charCodeAt(0), trace, parent: 1, start: 1, end: 2 },
    ...{ name: "execute_tool fetch", tool: "fetch" },
    attributes: [text("gen_ai.operation.name", "execute_tool"), text("gen_ai.tool.call.id", call)],
  };
}

function request(instance: string, scope: string, all: readonly Span[]): Payload {
  const bytes = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [
      {
        resource: resourceOf(instance),
        scopeSpans: [{ scope: { name: scope }, spans: all.map(toSpan) }],
      },
    ],
  }).finish();
  return { signal: "traces", bytes, items: all.length };
}

function toSpan(span: Span): otlp.Span.$Properties {
  const { id, trace, parent, tool, session, seq, start, end, isSnapshot } = span;
  return {
    traceId: idOf(trace, 16),
    spanId: idOf(id, 8),
    ...(parent === undefined ? {} : { parentSpanId: idOf(parent, 8) }),
    name: span.name ?? (tool === undefined ? "openclaw.run" : "openclaw.tool.execution"),
    startTimeUnixNano: nanos(start),
    ...(end === undefined ? {} : { endTimeUnixNano: nanos(end) }),
    attributes: [
      ...(tool === undefined ? [] : [text("gen_ai.tool.name", tool)]),
      ...(session === undefined ? [] : [text("session.id", session)]),
      ...(seq === undefined ? [] : [int("openclaw.seq", seq)]),
      ...(isSnapshot === true ? [int("_dd.partial_version", 1)] : []),
      ...(span.attributes ?? []),
    ],
  };
}

function event(
  instance: string,
  eventName: string,
  options: {
    readonly at: number;
    readonly session?: string;
    readonly seq?: number;
    readonly tool?: string;
  },
): Payload {
  const { at, session, seq, tool } = options;
  const record = {
    eventName,
    timeUnixNano: nanos(at),
    attributes: [
      ...(session === undefined ? [] : [text("session.id", session)]),
      ...(seq === undefined ? [] : [int("openclaw.seq", seq)]),
      ...(tool === undefined
        ? []
        : [text("gen_ai.tool.name", tool), text("openclaw.activeWorkKind", "tool_call")]),
    ],
  };
  const bytes = otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: resourceOf(instance),
        scopeLogs: [{ scope: { name: relayScope }, logRecords: [record] }],
      },
    ],
  }).finish();
  return { signal: "logs", bytes, items: 1 };
}

function resourceOf(instance: string) {
  return {
    attributes: [
      text("service.name", "gateway"),
      text("host.name", "box"),
      text("service.instance.id", instance),
    ],
  };
}

function idOf(id: number, bytes: number): Uint8Array {
  return Buffer.from(id.toString(16).padStart(bytes * 2, "0"), "hex");
}

function nanos(seconds: number): Long {
  return Long.fromString(String(BigInt(epochS + seconds) * 1_000_000_000n), true);
}

function text(key: string, stringValue: string): otlp.KeyValue.$Properties {
  return { key, value: { stringValue } };
}

function int(key: string, value: number): otlp.KeyValue.$Properties {
  return { key, value: { intValue: Long.fromNumber(value) } };
}
