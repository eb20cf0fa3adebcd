import Long from "long";
import { describe, expect, test } from "vitest";
import { relayScopeName } from "../../src/activity/recognition/dialects/sender-scopes.ts";
import type { Signal } from "../../src/otlp/payload.ts";
import { otlp } from "../../src/otlp/proto/generated.js";
import { startVirtualCollector } from "../support/virtual-collector.ts";

const startUnixMs = 1_795_000_000_000;
const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;
const second = 1000;

/** Sender's time in Unix ns of something that happens `atMs` after the start. */
type Clock = (atMs: number) => bigint;

interface Work {
  readonly id: number;
  readonly kind: "run" | "tool";
  readonly parent?: number;
  readonly trace: number;
  readonly fromMs: number;
  /** Never where it is left out. */
  readonly toMs?: number;
}

const right: Clock = (atMs) => BigInt(Math.round((startUnixMs + atMs) * 1000)) * 1000n;
const longOf = (ns: bigint) => Long.fromString(ns.toString(), true);
const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
const idOf = (size: number, value: number) =>
  Buffer.from(value.toString(16).padStart(size * 2, "0"), "hex");

function attributesOf({ kind }: Work) {
  return [
    text("gen_ai.operation.name", kind === "run" ? "invoke_agent" : "execute_tool"),
    ...(kind === "run" ? [text("session.id", "one")] : [text("gen_ai.tool.name", "build")]),
  ];
}

function spanOf(work: Work, startNs: bigint, endNs: bigint): otlp.Span.$Properties {
  return {
    traceId: idOf(16, work.trace),
    spanId: idOf(8, work.id),
    ...(work.parent === undefined ? {} : { parentSpanId: idOf(8, work.parent) }),
    name: work.kind,
    startTimeUnixNano: longOf(startNs),
    endTimeUnixNano: longOf(endNs),
    attributes: attributesOf(work),
  };
}

const resource = { attributes: [text("service.name", "agent"), text("service.instance.id", "a")] };

function traces(span: otlp.Span.$Properties, scope = "agent"): Uint8Array {
  return otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: scope }, spans: [span] }] }],
  }).finish();
}

function log(
  span: otlp.Span.$Properties,
  timeNs: bigint,
  attributes: readonly otlp.KeyValue.$Properties[],
): Uint8Array {
  const body = otlp.ExportTraceServiceRequest.encode({
    resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }],
  }).finish();
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource,
        scopeLogs: [
          {
            logRecords: [
              {
                timeUnixNano: longOf(timeNs),
                attributes: [...attributes],
                body: { stringValue: Buffer.from(body).toString("base64") },
              },
            ],
          },
        ],
      },
    ],
  }).finish();
}

type Report = (
  work: Work,
  startNs: bigint,
  nowNs: bigint,
  seq: number,
) => readonly [Signal, Uint8Array];

const seqOf = (seq: number) => ({ key: "openclaw.seq", value: { intValue: Long.fromNumber(seq) } });

/** How each dialect reports that work began, or ended. */
const dialects: Readonly<Record<string, { readonly start: Report; readonly end: Report }>> = {
  "live spans": {
    start: (work, startNs) => ["traces", traces(spanOf(work, startNs, 0n))],
    end: (work, startNs, endNs) => ["traces", traces(spanOf(work, startNs, endNs))],
  },
  "Datadog's snapshots": {
    start: (work, startNs, nowNs) => {
      const span = spanOf(work, startNs, nowNs === 0n ? 1n : nowNs);
      const version = { key: "_dd.partial_version", value: { intValue: Long.fromNumber(1) } };
      return ["traces", traces({ ...span, attributes: [...span.attributes!, version] })];
    },
    end: (work, startNs, endNs) => ["traces", traces(spanOf(work, startNs, endNs))],
  },
  "Logfire's pending spans": {
    start: (work, startNs) => {
      const span = spanOf(work, startNs, startNs === 0n ? 1n : startNs);
      const parent = idOf(8, work.parent ?? 0).toString("hex");
      const pending = [
        text("logfire.span_type", "pending_span"),
        text("logfire.pending_parent_id", parent),
      ];
      return [
        "traces",
        traces({
          ...span,
          spanId: idOf(8, work.id + 5000),
          parentSpanId: idOf(8, work.id),
          attributes: [...span.attributes!, ...pending],
        }),
      ];
    },
    end: (work, startNs, endNs) => ["traces", traces(spanOf(work, startNs, endNs))],
  },
  "logs of partial spans": {
    start: (work, startNs, nowNs) => [
      "logs",
      log(spanOf(work, startNs, 0n), nowNs, [text("partial.event", "heartbeat")]),
    ],
    end: (work, startNs, endNs) => [
      "logs",
      log(spanOf(work, startNs, endNs), endNs, [text("partial.event", "stop")]),
    ],
  },
  "the relay": {
    start: (work, startNs, _now, seq) => {
      const span = spanOf(work, startNs, 0n);
      return [
        "traces",
        traces({ ...span, attributes: [...span.attributes!, seqOf(seq)] }, relayScopeName),
      ];
    },
    end: (work, startNs, endNs, seq) => {
      const span = spanOf(work, startNs, endNs);
      return [
        "traces",
        traces({ ...span, attributes: [...span.attributes!, seqOf(seq)] }, relayScopeName),
      ];
    },
  },
};

/** Three turns of one session, each begins as the one before ends; each leaves a tool behind that never ends. */
const story: readonly Work[] = [0, 20, 40].flatMap((fromS, turn): Work[] => {
  const first = turn * 10 + 1;
  const at = (s: number) => (fromS + s) * second;
  const trace = turn + 1;
  return [
    { id: first, kind: "run", trace, fromMs: at(0), toMs: at(20) - 50 },
    { id: first + 1, kind: "tool", trace, parent: first, fromMs: at(1), toMs: at(5) },
    { id: first + 2, kind: "tool", trace, parent: first, fromMs: at(6) },
    { id: first + 3, kind: "tool", trace, parent: first, fromMs: at(8), toMs: at(19) },
  ];
});

const clocks: Readonly<Record<string, Clock>> = {
  "an hour ahead until it is corrected in the second turn": (atMs) =>
    right(atMs + (atMs < 25 * second ? hourMs : 0)),
  "set back by an hour in the second turn": (atMs) =>
    right(atMs - (atMs < 25 * second ? 0 : hourMs)),
  "a year ahead for one moment": (atMs) => right(atMs + (atMs === 20 * second - 50 ? yearMs : 0)),
  "at 2^64 - 1 for one moment": (atMs) =>
    atMs === 20 * second - 50 ? 2n ** 64n - 1n : right(atMs),
  "at 2^63 for one moment": (atMs) => (atMs === 20 * second - 50 ? 2n ** 63n : right(atMs)),
  "a year ahead as a tool ends": (atMs) => right(atMs + (atMs === 19 * second ? yearMs : 0)),
  "an hour ahead as two tools of a turn end": (atMs) =>
    right(atMs + ([5, 19].some((end) => atMs === end * second) ? hourMs : 0)),
  "at 2^64 - 1 when a turn begins": (atMs) => (atMs === 20 * second ? 2n ** 64n - 1n : right(atMs)),
  "not set when work starts": (atMs) =>
    story.some(({ fromMs }) => fromMs === atMs) ? 0n : right(atMs),
  "set back to before the start of whatever ends": (atMs) =>
    right(story.some(({ toMs }) => toMs === atMs) ? atMs - 2 * hourMs : atMs),
  "in microseconds": (atMs) => right(atMs) / 1000n,
  "in milliseconds": (atMs) => right(atMs) / 1_000_000n,
};

/** Plays the story; every signal arrives when it happens. */
async function play(dialect: string, clock: Clock) {
  const { start, end } = dialects[dialect] ?? { start: undefined, end: finished };
  const collector = await startVirtualCollector({ allowed_lateness: "10s" }, startUnixMs);
  const moments = story
    .flatMap((work) => [
      ...(start === undefined ? [] : [{ atMs: work.fromMs, report: start, work }]),
      ...(work.toMs === undefined ? [] : [{ atMs: work.toMs, report: end, work }]),
    ])
    .toSorted((a, b) => a.atMs - b.atMs);
  for (const [seq, { atMs, report, work }] of moments.entries()) {
    await collector.advanceTo(atMs);
    const [signal, bytes] = report(work, clock(work.fromMs), clock(atMs), seq + 1);
    await collector.consume(signal, bytes);
  }
  await collector.advanceTo(400 * second);
  const page = await collector.page();
  const of = (what: string, kind: string) =>
    page.sum(`openclaw_session_activity_${what}`, { kind });
  return {
    evicted: collector
      .events("session.activity.evicted")
      .map(({ atSeconds, attributes }) => [
        Math.round(atSeconds * 10) / 10,
        attributes["openclaw.reason"],
        attributes["openclaw.evictedTools"],
      ]),
    runs: [of("started_total", "run"), of("ended_total", "run"), of("open", "run")],
    tools: [of("started_total", "tool"), of("ended_total", "tool"), of("open", "tool")],
    late: of("late_starts_total", "tool"),
    reconciled: of("reconciled_total", "tool"),
    longestS: page.sum("openclaw_session_activity_duration_seconds_sum", { outcome: "completed" }),
  };
}

/** What the exporter of OpenClaw itself sends, once work has ended. */
const finished: Report = (work, startNs, endNs) => [
  "traces",
  traces({
    ...spanOf(work, startNs, endNs),
    name: work.kind === "run" ? "openclaw.run" : "openclaw.tool.execution",
  }),
];

const orphan = (at: number) => [at, "orphaned_no_owner", 1];

for (const dialect of Object.keys(dialects)) {
  describe(`turns that ${dialect} report`, () => {
    for (const [what, clock] of Object.entries({ right, ...clocks })) {
      test(`lose their orphans, and nothing else, with a clock that is ${what}`, async () => {
        const outcome = await play(dialect, clock);
        expect(outcome).toEqual({
          evicted: [orphan(30), orphan(50), orphan(70)],
          runs: [3, 3, 0],
          tools: [9, 6, 0],
          late: 0,
          reconciled: 0,
          longestS: expect.any(Number),
        });
        // Three runs of 20 s, three tools of 4 s and of 11 s. What may have been open before it was first reported may
        // have been for hours.
        const isLate = /snapshots|partial/.test(dialect) && what.includes("as two tools");
        expect(outcome.longestS).toBeLessThan(105.5 + (isLate ? 7_200 : 0));
      });
    }
  });
}

describe("turns of which only the ends are reported", () => {
  for (const [what, clock] of Object.entries({ right, ...clocks })) {
    test(`have no orphans with a clock that is ${what}`, async () => {
      const outcome = await play("finished spans", clock);
      expect(outcome).toEqual({
        evicted: [],
        runs: [3, 3, 0],
        tools: [6, 6, 0],
        late: 0,
        reconciled: 0,
        longestS: expect.any(Number),
      });
      expect(outcome.longestS).toBeLessThan(105.5 + (what.includes("hour") ? 7_200 : 0));
    });
  }
});
