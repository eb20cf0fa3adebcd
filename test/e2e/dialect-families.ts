import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Long from "long";
import type { DialectName, SignalResult } from "../../src/activity/model/dialects.ts";
import { relayScopeName } from "../../src/activity/recognition/dialects/sender-scopes.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { type AgentSpan, agentSpan, keyValues, tracesRequest } from "../support/agent-spans.ts";
import { captured } from "../support/captures.ts";
import { pathOf, textOf } from "../support/repository.ts";
import { requestsOf } from "../support/senders/recordings.ts";

/** What a family may do: post to the collector, and wait until all that is due has been decided. */
export interface Sender {
  readonly endpoint: string;
  post(signal: Signal, body: Uint8Array): Promise<void>;
  untilDecided(): Promise<void>;
  /** The value of a series on the page of the collector. */
  value(series: string, labels: Readonly<Record<string, string>>): Promise<number>;
}

/** A way to tell of work, as it arrives from its sender. */
export interface Family {
  readonly name: string;
  /** `real` bytes were sent by the library itself, `made` ones as its documents say. */
  readonly bytes: "real" | "made";
  readonly send: (sender: Sender) => Promise<void>;
  readonly dialect: DialectName;
  /** What becomes of the signals of the dialect. */
  readonly signals: Partial<Record<SignalResult, number>>;
  /** Reason, confidence and tool of each event of an eviction, in order. */
  readonly evicted: readonly (readonly [string, string, string | undefined])[];
  /** Whether a span or record goes no further. */
  readonly consumes: (item: otlp.Span.$Properties | otlp.LogRecord.$Properties) => boolean;
}

type Attributes = Readonly<Record<string, string>>;

const nothing = () => false;
const isOpen = (item: otlp.Span.$Properties | otlp.LogRecord.$Properties) =>
  "spanId" in item && "startTimeUnixNano" in item && Number(item.endTimeUnixNano ?? 0) === 0;
const hasKey = (key: string) => (item: otlp.Span.$Properties | otlp.LogRecord.$Properties) =>
  (item.attributes ?? []).some((attribute) => attribute.key === key);

/** Every family; `ids` are attributes of ids that must leave in nothing of the collector's own. */
export function familiesOf(ids: Attributes): readonly Family[] {
  return [
    {
      name: "S0, the relay of a real gateway's events, of which one tool never ends",
      bytes: "real",
      dialect: "relay",
      send: ({ endpoint }) => replayWithout(17, endpoint),
      signals: { started: 25, ended: 24 },
      evicted: [["orphaned_no_owner", "confirmed", "exec"]],
      consumes: isOpen,
    },
    {
      name: "S1, live spans",
      bytes: "made",
      dialect: "live_span",
      async send({ post }) {
        const { run, tool } = turn("live", ids);
        await post("traces", tracesRequest("live", [{ span: run }, { span: tool }]));
        await post("traces", tracesRequest("live", [{ span: run }, { span: tool }]));
        await post("traces", tracesRequest("live", [ended(run)]));
      },
      signals: { started: 2, heartbeat: 2 },
      evicted: [["orphaned_no_owner", "confirmed", "live_tool"]],
      consumes: isOpen,
    },
    {
      name: "S1, live spans and their ends, beside the finished spans",
      bytes: "made",
      dialect: "live_span",
      async send({ post }) {
        const { run, tool } = turn("live-ends", ids);
        const other = agentSpan("execute_tool done", { "gen_ai.tool.name": "done" }, run);
        const kind = { "gen_ai.operation.name": "execute_tool" };
        const reported = (span: AgentSpan): AgentSpan => ({
          ...span,
          attributes: { ...span.attributes, ...kind, "openclaw.activity.signal": "end" },
        });
        const starts = [{ span: run }, { span: tool }, { span: other }];
        await post("traces", tracesRequest("live-ends", starts));
        await post("traces", tracesRequest("live-ends", [ended(reported(other))]));
        await post("traces", tracesRequest("live-ends", [ended(other), ended(run)]));
        await post(
          "traces",
          tracesRequest("live-ends", [
            ended({ ...run, attributes: { ...ids, "openclaw.activity.signal": "end" } }),
          ]),
        );
      },
      signals: { started: 2, guessed: 1, ended: 1, duplicate: 1 },
      evicted: [["orphaned_no_owner", "confirmed", "live-ends_tool"]],
      consumes: (item) => isOpen(item) || hasKey("openclaw.activity.signal")(item),
    },
    {
      name: "S2, partial spans of Datadog's tracer, which ends the orphan itself when it exits",
      bytes: "real",
      dialect: "datadog_partial",
      async send(sender) {
        const requests = requestsOf("ddtrace/abandoned");
        for (const { signal, bytes } of requests.slice(0, -1)) {
          await sender.post(signal, bytes);
        }
        await sender.untilDecided();
        const { signal, bytes } = requests.at(-1)!;
        await sender.post(signal, bytes);
      },
      signals: { started: 2, heartbeat: 5 },
      evicted: [["orphaned_no_owner", "confirmed", "get_time"]],
      consumes: hasKey("_dd.partial_version"),
    },
    {
      name: "S3, pending spans of Logfire",
      bytes: "real",
      dialect: "logfire_pending",
      send: recorded("logfire-js/abandoned"),
      signals: { started: 4 },
      evicted: [["orphaned_no_owner", "confirmed", "get_time"]],
      consumes: (item) =>
        (item.attributes ?? []).some(({ value }) => value?.stringValue === "pending_span"),
    },
    {
      name: "S4, logs of partial spans",
      bytes: "real",
      dialect: "partial_log",
      send: recorded("partial-span-processor/abandoned"),
      signals: { started: 2, heartbeat: 4, ended: 1 },
      evicted: [["orphaned_no_owner", "confirmed", "get_time"]],
      consumes: hasKey("partial.event"),
    },
    {
      name: "S5, logs of the state of spans",
      bytes: "made",
      dialect: "span_state_log",
      async send({ post }) {
        const { run, tool } = turn("state", ids);
        await post("logs", stateLogs("state", [run, "heartbeat"], [tool, "heartbeat"]));
        await post("logs", stateLogs("state", [run, "ended"], [tool, "heartbeat"]));
      },
      signals: { started: 2, heartbeat: 1, ended: 1 },
      evicted: [["orphaned_no_owner", "confirmed", "state_tool"]],
      consumes: hasKey("span.state"),
    },
    {
      name: "S6, a process that says that it ends",
      bytes: "made",
      dialect: "entity_event",
      async send({ post }) {
        const { run, tool } = turn("entity", ids);
        const type = { "entity.type": "service.instance" };
        await post("logs", logsRequest("entity", ["entity.state", type]));
        await post("traces", tracesRequest("entity", [{ span: run }, { span: tool }]));
        await post("logs", logsRequest("entity", ["entity.delete", type]));
      },
      signals: { heartbeat: 1, gone: 1 },
      evicted: [["process_gone", "confirmed", "entity_tool"]],
      consumes: isOpen,
    },
    {
      name: "S7, a session that is told to be over",
      bytes: "made",
      dialect: "session_event",
      async send({ post }) {
        const session = { "session.id": `session of ${ids["session.id"]}` };
        const { run, tool } = turn("session", session);
        await post("logs", logsRequest("session", ["session.start", session]));
        await post("traces", tracesRequest("session", [{ span: run }, { span: tool }]));
        await post("logs", logsRequest("session", ["session.end", session]));
      },
      signals: { session_started: 1, session_ended: 1 },
      evicted: [["session_ended", "confirmed", "session_tool"]],
      consumes: isOpen,
    },
    {
      name: "S8, a wait for a person, in which a session is paused",
      bytes: "made",
      dialect: "pause_event",
      async send(sender) {
        const session = { "gen_ai.conversation.id": `wait of ${ids["gen_ai.conversation.id"]}` };
        const { run, tool } = turn("pause", session);
        const wait = { ...session, "gen_ai.agent.pause.id": `pause of ${ids["openclaw.runId"]}` };
        await sender.post("traces", tracesRequest("pause", [{ span: run }, { span: tool }]));
        await sender.post("logs", logsRequest("pause", ["gen_ai.agent.paused", wait]));
        await sender.untilDecided();
        const paused = await sender.value("openclaw_session_activity_sessions", {
          state: "paused",
        });
        if (paused !== 1) {
          throw new Error(`${paused} sessions are paused.`);
        }
        await sender.post("logs", logsRequest("pause", ["gen_ai.agent.resumed", wait]));
        await sender.post("traces", tracesRequest("pause", [ended(tool), ended(run)]));
      },
      signals: { paused: 1, resumed: 1 },
      evicted: [],
      consumes: isOpen,
    },
    {
      name: "S9, complaints of a gateway of which the work ends after all",
      bytes: "made",
      dialect: "session_claim",
      async send({ post }) {
        const session = { "session.id": `claim of ${ids["session.id"]}` };
        const { run, tool } = turn("claim", session);
        const { traceId, spanId } = tool;
        const stalled = { ...session, "openclaw.activeWorkKind": "tool_call" };
        await post("traces", tracesRequest("claim", [{ span: run }, { span: tool }]));
        await post(
          "logs",
          logsOf(
            "claim",
            [
              { eventName: "session.stalled", attributes: keyValues(stalled), traceId, spanId },
              { eventName: "session.stalled", attributes: keyValues(stalled), traceId, spanId },
              { eventName: "message.queued", attributes: keyValues(session) },
              { eventName: "session.recovery.completed", attributes: keyValues(session) },
              { eventName: "session.stuck" },
            ],
            relayScopeName,
          ),
        );
        await post("traces", tracesRequest("claim", [ended(tool), ended(run)]));
      },
      signals: { claimed: 1, repeated: 1, queued: 1, recovered: 1, malformed: 1 },
      evicted: [],
      consumes: (item) => isOpen(item) || "eventName" in item,
    },
    {
      name: "I1, a run that is only known from what it is the parent of, until it ends",
      bytes: "made",
      dialect: "implied_parent",
      async send({ post }) {
        const { run, tool } = turn("implied", ids);
        await post("traces", tracesRequest("implied", [{ span: tool }]));
        await post("traces", tracesRequest("implied", [ended(run)]));
      },
      signals: { implied: 1 },
      evicted: [["orphaned_no_owner", "confirmed", "implied_tool"]],
      consumes: isOpen,
    },
    {
      name: "I2, a tool that a model asked for and that never came",
      bytes: "made",
      dialect: "requested_tool",
      async send({ post }) {
        const call = (name: string) => `${name} ${ids["gen_ai.tool.call.id"]}`;
        await post("traces", asking("requested", ids, [call("first")], call("first")));
        await post("traces", asking("requested", ids, [call("lost"), call("met")], call("met")));
      },
      signals: { requested: 3 },
      evicted: [["orphaned_no_owner", "presumed", "search"]],
      consumes: nothing,
    },
    {
      name: "I3, a harness run of stock OpenClaw that ends with an active item",
      bytes: "real",
      dialect: "span",
      send: capture("v610-orphan-tool", -1),
      signals: { finished: 4 },
      evicted: [["orphaned_no_owner", "presumed", undefined]],
      consumes: nothing,
    },
    {
      name: "I4, a tool of stock OpenClaw that ends long after its run",
      bytes: "real",
      dialect: "span",
      send: capture("v9x-orphan-tool"),
      signals: { finished: 5 },
      evicted: [["orphaned_no_owner", "probable", "bash"]],
      consumes: nothing,
    },
  ];
}

/** A run and a tool that are told to go on, and of which nothing is heard after that. Resolves to the trace in hex. */
export async function fallSilent({ post }: Pick<Sender, "post">, ids: Attributes): Promise<string> {
  const { run, tool } = turn("silent", ids);
  await post("logs", stateLogs("silent", [run, "heartbeat"], [tool, "heartbeat"]));
  return Buffer.from(tool.traceId).toString("hex");
}

/** A run and a tool below it that is called `<service>_tool`. */
function turn(service: string, attributes: Attributes) {
  const run = agentSpan("openclaw.run", attributes);
  const name = { "gen_ai.tool.name": `${service}_tool` };
  const tool = agentSpan("openclaw.tool.execution", { ...attributes, ...name }, run);
  return { run, tool };
}

function ended(span: AgentSpan) {
  return { span, endUnixMs: Date.now() + 1 };
}

function recorded(recording: string) {
  return async ({ post }: Sender): Promise<void> => {
    for (const { signal, bytes } of requestsOf(recording)) {
      await post(signal, bytes);
    }
  };
}

function capture(name: Parameters<typeof captured>[0], last?: number) {
  return async ({ post }: Sender): Promise<void> => {
    const traces = captured(name).filter(({ signal }) => signal === "traces");
    for (const { signal, body } of traces.slice(0, last)) {
      await post(signal, body);
    }
  };
}

/** What a gateway sends through the relay, but for one event. */
async function replayWithout(line: number, endpoint: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "activity-relay-"));
  try {
    const file = join(folder, "events.jsonl");
    const events = textOf("test/testdata/openclaw/events-9x.jsonl").split("\n");
    writeFileSync(file, events.filter((_, at) => at + 1 !== line).join("\n"));
    await promisify(execFile)(
      process.execPath,
      [pathOf("openclaw-plugin/replay.ts"), file, "--endpoint", endpoint, "--speed", "0"],
      { timeout: 60_000 },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A finished turn with captured content: a model call that asks for tools, of which only `comes` does, and the model call
 * after it.
 */
function asking(
  service: string,
  attributes: Attributes,
  callIds: readonly string[],
  comes: string,
): Uint8Array {
  const run = agentSpan("invoke_agent a", {
    ...attributes,
    "gen_ai.operation.name": "invoke_agent",
  });
  const parts = callIds.map((id) => ({ type: "tool_call", id, name: "search", arguments: {} }));
  const chat = agentSpan(
    "chat m",
    {
      "gen_ai.operation.name": "chat",
      "gen_ai.output.messages": JSON.stringify([{ role: "assistant", parts }]),
    },
    run,
  );
  const tool = agentSpan(
    "execute_tool search",
    {
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "search",
      "gen_ai.tool.call.id": comes,
    },
    run,
  );
  const next = { ...agentSpan("chat m", { "gen_ai.operation.name": "chat" }, run) };
  const answer = { span: { ...next, startUnixMs: Date.now() + 2 }, endUnixMs: Date.now() + 3 };
  return tracesRequest(service, [ended(chat), ended(tool), answer, ended(run)]);
}

function logsRequest(service: string, ...events: readonly (readonly [string, Attributes])[]) {
  return logsOf(
    service,
    events.map(([eventName, attributes]) => ({ eventName, attributes: keyValues(attributes) })),
  );
}

/** As .NET's processor has it: ids without leading zeros are left to the unit tests. */
function stateLogs(service: string, ...states: readonly (readonly [AgentSpan, string])[]) {
  return logsOf(
    service,
    states.map(([span, state]) => ({
      attributes: keyValues({ "span.state": state, "log.body.type": "json/v1" }),
      body: { stringValue: jsonOf(service, span) },
    })),
  );
}

function logsOf(
  service: string,
  logRecords: readonly otlp.LogRecord.$Properties[],
  scope = "",
): Uint8Array {
  const timeUnixNano = Long.fromNumber(Date.now(), true).multiply(1_000_000);
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: {
          attributes: keyValues({ "service.name": service, "service.instance.id": `${service} 1` }),
        },
        scopeLogs: [
          {
            scope: { name: scope },
            logRecords: logRecords.map((record) => ({ timeUnixNano, ...record })),
          },
        ],
      },
    ],
  }).finish();
}

function jsonOf(service: string, { traceId, spanId, parent, ...span }: AgentSpan): string {
  const hex = (id: Uint8Array) => Buffer.from(id).toString("hex");
  return JSON.stringify({
    resourceSpans: [
      {
        resource: {
          attributes: keyValues({ "service.name": service, "service.instance.id": `${service} 1` }),
        },
        scopeSpans: [
          {
            spans: [
              {
                traceId: hex(traceId),
                spanId: hex(spanId),
                ...(parent === undefined ? {} : { parentSpanId: hex(parent.spanId) }),
                name: span.name,
                startTimeUnixNano: `${span.startUnixMs}000000`,
                attributes: keyValues(span.attributes),
              },
            ],
          },
        ],
      },
    ],
  });
}
