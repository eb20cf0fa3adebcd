import Long from "long";
import { otlp } from "../../src/otlp/proto/generated.js";

/** The value of an attribute. A list is a list of texts. */
type Value = string | number | readonly string[];

const resource = { attributes: attributesOf({ "service.name": "agent", "process.pid": 7 }) };
const ids = { traceId: new Uint8Array(16).fill(1), spanId: new Uint8Array(8).fill(2) };
const relay = "openclaw-activity-relay";
const session = { "session.id": "a" };
const openSpan = JSON.stringify({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            {
              traceId: "01".repeat(16),
              spanId: "02".repeat(8),
              name: "execute_tool exec",
              startTimeUnixNano: "1790000000000000000",
            },
          ],
        },
      ],
    },
  ],
});

/** A log record of every dialect, alone in its request: scope, event name, attributes, body. */
export function logRecordSeeds(): readonly Uint8Array[] {
  const records: readonly (readonly [string, string, Readonly<Record<string, Value>>, string?])[] =
    [
      ["", "session.start", { ...session, "session.previous_id": "b" }],
      ["", "session.end", session],
      ["", "gen_ai.agent.paused", { ...session, "gen_ai.agent.pause.id": "p" }],
      ["", "gen_ai.agent.resumed", session],
      ["", "entity.state", { "entity.type": "process", "entity.report.interval": 5 }],
      ["", "entity.delete", { "entity.type": "service.instance" }],
      [relay, "session.stalled", { ...session, "openclaw.activeWorkKind": "tool_call" }],
      [relay, "session.stuck", { ...session, "gen_ai.tool.name": "exec" }],
      [relay, "session.recovery.completed", { ...session, "openclaw.status": "aborted" }],
      [
        relay,
        "session.state",
        {
          ...session,
          ...{ "openclaw.state": "idle", "openclaw.queueDepth": 0 },
          "openclaw.reason": "run_completed",
        },
      ],
      [relay, "message.queued", { ...session, "openclaw.queueDepth": 3 }],
      [relay, "session.activity.evicted", { ...session, "openclaw.evictedTools": 2 }],
      [relay, "openclaw.activity.unwatched", {}],
      ["", "", { "partial.event": "heartbeat", "partial.frequency": "5s" }, openSpan],
      ["", "", { "partial.event": "stop", "partial.body.type": "json/v1" }, openSpan],
      ["", "", { "span.state": "heartbeat", "log.body.type": "json/v1" }, openSpan],
    ];
  return records.map(([scope, eventName, attributes, body]) =>
    otlp.ExportLogsServiceRequest.encode({
      resourceLogs: [
        {
          resource,
          scopeLogs: [
            {
              scope: { name: scope },
              logRecords: [
                {
                  ...ids,
                  eventName,
                  attributes: attributesOf(attributes),
                  ...(body === undefined ? {} : { body: { stringValue: body } }),
                },
              ],
            },
          ],
        },
      ],
    }).finish(),
  );
}

const messages = JSON.stringify([
  { role: "assistant", parts: [{ type: "tool_call", id: "a", name: "exec" }] },
  { role: "tool", parts: [{ type: "tool_call_response", id: "b" }] },
]);

/** A model call with the content of each convention: tool calls that it requests, and results of others. */
export function modelCallSeeds(): readonly Uint8Array[] {
  const contents: readonly Readonly<Record<string, Value>>[] = [
    { "gen_ai.output.messages": messages, "gen_ai.input.messages": messages },
    {
      "ai.response.toolCalls": '[{"toolCallId":"a","toolName":"exec","input":{}}]',
      "ai.prompt.messages": '[{"role":"tool","content":[{"type":"tool-result","toolCallId":"b"}]}]',
    },
    { "gen_ai.output.messages": [messages] },
    { events: '[{"event.name":"gen_ai.choice"},{"event.name":"gen_ai.tool.message","id":"b"}]' },
    {
      "gen_ai.input.messages":
        '[{"functionCall":{"id":"a","name":"exec"}},{"functionResponse":{"id":"b"}}]',
    },
    {
      "llm.output_messages.0.message.role": "assistant",
      "llm.output_messages.0.message.tool_calls.0.tool_call.id": "a",
      "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "exec",
      "llm.input_messages.1.message.tool_call_id": "b",
    },
    {
      "gen_ai.completion.0.role": "assistant",
      "gen_ai.completion.0.tool_calls.0.id": "a",
      "gen_ai.completion.0.tool_calls.0.name": "exec",
      "gen_ai.prompt.1.tool_call_id": "b",
    },
  ];
  return contents.map((content) =>
    otlp.ExportTraceServiceRequest.encode({
      resourceSpans: [
        {
          resource,
          scopeSpans: [
            {
              spans: [
                {
                  ...ids,
                  name: "chat",
                  startTimeUnixNano: Long.fromNumber(1_000),
                  endTimeUnixNano: Long.fromNumber(2_000),
                  attributes: attributesOf({ "gen_ai.operation.name": "chat", ...content }),
                },
              ],
            },
          ],
        },
      ],
    }).finish(),
  );
}

/** Words of contents, which no mutation finds by itself. */
export const contentWords: readonly string[] = [
  "gen_ai.output.messages",
  "gen_ai.input.messages",
  "ai.response.toolCalls",
  '"type":"tool_call"',
  '"type":"tool-result"',
  '"type":"function_call_output"',
  '"toolCallId":"a"',
  '"tool_call_id":"a"',
  '"call_id":"a"',
  '"is_error":true',
  '"providerExecuted":true',
  '"functionCall":{',
  '"functionResponse":{',
  '"function":{"name":"n"}',
  '"event.name":"gen_ai.choice"',
  '"__proto__":{"id":"a"}',
];

/** Words of events, and of the bodies of records. */
export const eventWords: readonly string[] = [
  "session.start",
  "session.end",
  "session.stalled",
  "session.state",
  "session.recovery.requested",
  "message.queued",
  "entity.report.interval",
  "gen_ai.agent.paused",
  "openclaw.queueDepth",
  "openclaw.activeWorkKind",
  "model_call",
  "embedded_run",
  relay,
  "span_id",
  "trace_id",
  "start_time_unix_nano",
  '{"resourceSpans":[{"scopeSpans":[{"spans":[{',
  "1m",
  "1e9h",
];

function attributesOf(values: Readonly<Record<string, Value>>): otlp.KeyValue.$Properties[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: anyValueOf(value) }));
}

function anyValueOf(value: Value): otlp.AnyValue.$Properties {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "number":
      return { intValue: Long.fromNumber(value) };
    default:
      return { arrayValue: { values: value.map((each) => ({ stringValue: each })) } };
  }
}
