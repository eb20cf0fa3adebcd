import {
  preloadScopeName,
  relayScopeName,
} from "../../src/activity/recognition/dialects/sender-scopes.ts";
import { workNames } from "./agent-work.ts";
import { type RequestShape, range } from "./request-shape.ts";
import { type Attributes, logsOf, type RecordOf, type SpanOf, tracesOf } from "./wire.ts";

const { run, tool } = workNames;
const one = 1;
const inSession: Attributes = { "session.id": "a" };
const logs = (items: readonly RecordOf[], scope = "s") => logsOf({ process: one, scope, items });
const runsOfOneSession = (n: number, more: Partial<SpanOf> = {}) =>
  tracesOf({
    process: one,
    items: range(n, 1).flatMap((id) => [
      { name: run, trace: id, id, attributes: inSession, ...more },
      { name: tool, trace: id, id: n + id, parent: id, ...more },
    ]),
  });

/** Records of one event of one session with many runs. */
function ofOneSession(
  title: string,
  record: (at: number) => RecordOf,
  { scope = "s", start = 0 }: { readonly scope?: string; readonly start?: number } = {},
): RequestShape {
  return {
    title: `${title} of one session with many runs`,
    before: (n) => [runsOfOneSession(n, { start })],
    waitMs: 50_000,
    request: (n) =>
      logs(
        range(n).map((at) => {
          const of = record(at);
          return { ...of, attributes: { ...inSession, ...of.attributes } };
        }),
        scope,
      ),
  };
}

const spanInBody = JSON.stringify({
  resourceSpans: [
    {
      scopeSpans: [
        {
          spans: [
            { traceId: "01".repeat(16), spanId: "02".repeat(8), name: run, startTimeUnixNano: "1" },
          ],
        },
      ],
    },
  ],
});

export const logShapes: readonly RequestShape[] = [
  { title: "records that say nothing", request: (n) => logs(range(n).map((at) => ({ at }))) },
  {
    title: "records of which one is of interest",
    request: (n) => logs([{ event: "session.start" }, ...range(n).map((at) => ({ at }))]),
  },
  {
    title: "records with a name of interest as their body",
    request: (n) => logs(range(n).map(() => ({ body: { stringValue: "entity.state" } }))),
  },
  {
    title: "records with many attributes and one event",
    request: (n) =>
      logs(
        range(Math.ceil(n / 100)).map(() => ({
          event: "session.start",
          attributes: Object.fromEntries(range(500).map((key) => [`k${key}`, 1])),
        })),
      ),
  },
  {
    title: "heartbeats of one process",
    request: (n) =>
      logs(
        range(n).map((at) => ({
          ...{ event: "entity.state", at },
          attributes: { "entity.type": "process", "entity.report.interval": 10 },
        })),
      ),
  },
  {
    title: "heartbeats of many processes",
    request: (n) =>
      logsOf(
        ...range(Math.ceil(n / 3)).map((process) => ({
          ...{ process },
          items: [
            {
              event: "entity.state",
              attributes: { "entity.type": "process", "entity.report.interval": 10 },
            },
          ],
        })),
      ),
  },
  {
    title: "ends of many processes",
    request: (n) =>
      logsOf(
        ...range(Math.ceil(n / 3)).map((process) => ({
          ...{ process },
          items: [{ event: "entity.delete", attributes: { "entity.type": "process" } }],
        })),
      ),
  },
  {
    title: "ends of one process with many runs",
    before: (n) => [runsOfOneSession(n)],
    request: (n) =>
      logs(
        range(n).map(() => ({ event: "entity.delete", attributes: { "entity.type": "process" } })),
      ),
  },
  {
    title: "a relay that is switched off again and again",
    before: (n) => [
      tracesOf({
        process: one,
        scope: relayScopeName,
        items: range(n, 1).map((id) => ({ name: run, trace: id, id, start: 5_000 })),
      }),
    ],
    request: (n) =>
      logs(
        range(n).map((at) => ({ event: "openclaw.activity.unwatched", at: at / 1_000 })),
        relayScopeName,
      ),
  },
  {
    title: "a preload that is switched off again and again",
    before: (n) => [
      tracesOf({
        process: one,
        items: range(n, 1).map((id) => ({ name: run, trace: id, id, start: 5_000 })),
      }),
    ],
    request: (n) =>
      logs(
        range(n).map((at) => ({ event: "openclaw.activity.unwatched", at: at / 1_000 })),
        preloadScopeName,
      ),
  },
  ofOneSession("ends", (at) => ({ event: "session.end", at: 1 + at / 1_000 })),
  ofOneSession("ends before the work", (at) => ({ event: "session.end", at: 1 + at / 1_000 }), {
    start: 5_000,
  }),
  ofOneSession("pauses", (at) => ({
    ...{ event: "gen_ai.agent.paused", at: 60 },
    attributes: { "gen_ai.agent.pause.id": String(at) },
  })),
  ofOneSession("pauses and resumptions", (at) => ({
    ...{ event: at % 2 === 0 ? "gen_ai.agent.paused" : "gen_ai.agent.resumed", at: 60 + at },
    attributes: at % 2 === 0 ? { "gen_ai.agent.pause.id": String(at) } : {},
  })),
  ofOneSession("resumptions", (at) => ({ event: "gen_ai.agent.resumed", at: 60 + at })),
  ...(
    [
      [
        "reports that it is idle",
        "session.state",
        { "openclaw.state": "idle", "openclaw.queueDepth": 0 },
      ],
      ["messages that wait", "message.queued", {}],
      [
        "evictions",
        "session.activity.evicted",
        { "openclaw.evictedTools": 1, "openclaw.evictedModelCalls": 1 },
      ],
      ["recoveries", "session.recovery.completed", {}],
      ["claims that it is stuck", "session.stuck", { "openclaw.activeWorkKind": "tool_call" }],
    ] as const
  ).map(([title, event, attributes]) =>
    ofOneSession(title, (at) => ({ event, at: 60 + at, attributes }), { scope: relayScopeName }),
  ),
  ofOneSession(
    "claims about tools of other names",
    (at) => ({
      ...{ event: "session.stuck", at: 60 },
      attributes: { "openclaw.activeWorkKind": "tool_call", "gen_ai.tool.name": `t${at % 50}` },
    }),
    { scope: relayScopeName },
  ),
  {
    title: "claims about a session with many stale tools of other names",
    before: (n) => [
      tracesOf({
        process: one,
        items: [
          { name: run, trace: 1, id: 1, attributes: inSession },
          { name: run, trace: 2, id: 2, attributes: inSession },
          ...range(n, 3).map((id) => ({ name: tool, trace: 1, id, parent: 1 })),
        ],
      }),
      tracesOf({ process: one, items: [{ name: run, trace: 1, id: 1, end: 1 }] }),
    ],
    request: (n) =>
      logs(
        range(n).map((at) => ({
          event: "session.stuck",
          attributes: {
            ...inSession,
            "openclaw.activeWorkKind": "tool_call",
            "gen_ai.tool.name": `t${at % 50}`,
          },
        })),
        relayScopeName,
      ),
  },
  {
    title: "claims about sessions that are not known",
    request: (n) =>
      logs(
        range(n).map((at) => ({ event: "session.stuck", attributes: { "session.id": `x${at}` } })),
        relayScopeName,
      ),
  },
  {
    title: "claims about sessions that are not known, while spans are forgotten",
    before: (n) => [
      tracesOf({
        process: one,
        items: range(n, 1).map((id) => ({ name: tool, trace: id, id, parent: n + id, end: 1 })),
      }),
    ],
    waitMs: 880_000,
    request: (n) =>
      logs(
        range(n).map((at) => ({ event: "session.stuck", attributes: { "session.id": `x${at}` } })),
        relayScopeName,
      ),
  },
  {
    title: "pauses of spans that have not arrived",
    request: (n) =>
      logs(
        range(n, 1).map((id) => ({ event: "gen_ai.agent.paused", at: 60, trace: id, span: id })),
      ),
  },
  {
    title: "resumptions of other sessions, while many wait",
    before: (n) => [
      tracesOf({ process: one, items: range(n, 1).map((id) => ({ name: run, trace: id, id })) }),
      logs(
        range(n, 1).map((id) => ({ event: "gen_ai.agent.paused", at: 60, trace: id, span: id })),
      ),
    ],
    request: (n) =>
      logs(
        range(n).map((at) => ({
          ...{ event: "gen_ai.agent.resumed", at: 70 },
          attributes: { "session.id": `x${at}` },
        })),
      ),
  },
  {
    title: "partial logs with JSON",
    request: (n) =>
      logs(
        range(Math.ceil(n / 4)).map(() => ({
          attributes: {
            "partial.event": "heartbeat",
            "partial.frequency": "5s",
            "partial.body.type": "json/v1",
          },
          body: { stringValue: spanInBody },
        })),
      ),
  },
  {
    title: "partial logs with arrays of arrays",
    request: (n) =>
      logs(
        range(Math.ceil(n / 20)).map(() => ({
          attributes: { "partial.event": "heartbeat", "partial.body.type": "json/v1" },
          body: { stringValue: `{"resourceSpans":[${"[],".repeat(999)}[]]}` },
        })),
      ),
  },
];
