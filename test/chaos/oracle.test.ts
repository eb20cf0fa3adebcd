import { expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import type { DerivedEvent } from "../support/derived-telemetry.ts";
import { metricsPage } from "../support/metrics-page.ts";
import { Chance } from "../system/kill/chance.ts";
import { openTurn, type Script, waitingTurn } from "../system/kill/scripts.ts";
import { emptyTally } from "../system/kill/tally.ts";
import type { Step, Work } from "../system/kill/work.ts";
import { countersOf, judgeBalance, judgeMonotony, judgeTally } from "./counter-oracle.ts";
import { judgeDelivery } from "./delivery-oracle.ts";
import type { DialectName } from "./dialect.ts";
import { judgeEvents } from "./event-oracle.ts";
import { judgeClosings, judgeEvictions } from "./eviction-oracle.ts";
import { judgeHealed, judgeReadiness } from "./health-oracle.ts";
import { contentsOf, hex, itemKey } from "./items.ts";
import { eventNames, Ledger } from "./ledger.ts";
import { judgeLife } from "./manners-oracle.ts";
import { judgeStates } from "./state-oracle.ts";
import { Truth } from "./truth.ts";

const latenessMs = 5_000;
const by = { sender: "gateway", dialect: "live_span" } as const;

/** A turn of a run with a tool that ends and one that never does, all of which was answered at once. */
function orphanedTurn(chance = new Chance(1)) {
  const traceId = chance.bytes(16);
  const work = (kind: Work["kind"], fate: Work["fate"], parent?: Work): Work => ({
    kind,
    fate,
    process: "gateway",
    traceId,
    spanId: chance.bytes(8),
    ...(parent === undefined ? {} : { parent }),
    startMs: 0,
    endMs: 0,
  });
  const run = work("run", "ends");
  const healthy = work("tool", "ends", run);
  const orphan = work("tool", "orphaned_no_owner", run);
  const script: Script = [
    { type: "start", work: run },
    { type: "start", work: healthy },
    { type: "start", work: orphan },
    { type: "end", work: healthy },
    { type: "end", work: run },
  ];
  return { run, healthy, orphan, script, trace: hex(traceId) };
}

/** The truth of scripts, of which each step was answered that many ms after it was sent. */
function truthOf(
  scripts: readonly Script[],
  answerMs: (step: Step) => number | undefined = () => 10,
  dialect: DialectName = by.dialect,
  repeatsMs: readonly number[] = [],
): Truth {
  const truth = new Truth({
    latenessMs,
    aliveMs: (from, to) => to - from,
    repeatsMs: () => repeatsMs,
  });
  let nowMs = 0;
  for (const script of scripts) {
    truth.begin(script, { ...by, dialect });
    for (const step of script) {
      nowMs += 1;
      truth.sent([step], nowMs);
      const ms = answerMs(step);
      if (ms !== undefined) {
        truth.answered([step], nowMs + ms);
      }
    }
  }
  return truth;
}

function eviction(
  trace: string,
  more: Readonly<Record<string, string | number>> = {},
): DerivedEvent {
  return {
    name: "session.activity.evicted",
    severity: "WARN",
    body: "",
    timeUnixMs: 1,
    traceId: trace,
    spanId: "",
    attributes: {
      "log.record.uid": "one",
      "openclaw.reason": "orphaned_no_owner",
      "openclaw.evictedTools": 1,
      "openclaw.evictedModelCalls": 0,
      ...more,
    },
  };
}

const about = (contradictions: readonly { readonly about: string }[]) =>
  contradictions.map((each) => each.about);

test("the eviction of the orphan, and of it alone, contradicts nothing", () => {
  const turn = orphanedTurn();
  const truth = truthOf([turn.script]);
  const { contradictions, figures } = judgeEvictions(truth, [eviction(turn.trace)]);
  expect(contradictions).toEqual([]);
  expect(figures).toMatchObject({ right: 1, missed: 0, wrong: 0, late: 0, undecided: 0 });
  expect(judgeClosings(truth, [`${turn.trace}/${hex(turn.orphan.spanId)}`])).toEqual([]);
});

for (const [title, events, wanted] of [
  ["an orphan that is not evicted", () => [], ["missed orphan"]],
  [
    "two evictions where there is one orphan",
    (trace: string) => [eviction(trace, { "openclaw.evictedTools": 2 })],
    ["false eviction"],
  ],
  [
    "an eviction for another reason",
    (trace: string) => [eviction(trace, { "openclaw.reason": "lease_expired" })],
    ["missed orphan", "false eviction"],
  ],
  [
    "an eviction of a model call instead of a tool",
    (trace: string) => [
      eviction(trace, { "openclaw.evictedTools": 0, "openclaw.evictedModelCalls": 1 }),
    ],
    ["missed orphan", "false eviction"],
  ],
  [
    "an eviction in a trace that nobody sent",
    (trace: string) => [eviction(trace), eviction("00", { "log.record.uid": "two" })],
    ["false eviction"],
  ],
  [
    "one event under two ids",
    (trace: string) => [eviction(trace), eviction(trace, { "log.record.uid": "two" })],
    ["false eviction"],
  ],
  [
    "two different events under one id",
    (trace: string) => [eviction(trace), eviction(trace, { "openclaw.confidence": "probable" })],
    ["event"],
  ],
  [
    "an event without an id",
    (trace: string) => [eviction(trace), eviction(trace, { "log.record.uid": "" })],
    ["event"],
  ],
] as const) {
  test(`${title} is found out`, () => {
    const turn = orphanedTurn();
    const { contradictions } = judgeEvictions(truthOf([turn.script]), events(turn.trace));
    expect(about(contradictions)).toEqual(wanted);
  });
}

test("a closing span of a tool that ended, or of a run, is found out", () => {
  const turn = orphanedTurn();
  const truth = truthOf([turn.script]);
  for (const work of [turn.healthy, turn.run]) {
    const closed = [`${turn.trace}/${hex(work.spanId)}`];
    expect(about(judgeClosings(truth, closed))).toEqual(["false eviction"]);
  }
  expect(about(judgeClosings(truth, ["00/00"]))).toEqual(["false eviction"]);
});

test("the eviction of a tool whose end came after the lateness is excused, and so is its absence", () => {
  const turn = orphanedTurn();
  const truth = truthOf([turn.script], (step) =>
    step.type === "end" && step.work === turn.healthy ? latenessMs + 10 : 10,
  );
  const both = judgeEvictions(truth, [eviction(turn.trace, { "openclaw.evictedTools": 2 })]);
  expect(both.contradictions).toEqual([]);
  expect(both.figures).toMatchObject({ right: 1, late: 1, undecided: 1 });
  expect(judgeEvictions(truth, [eviction(turn.trace)]).contradictions).toEqual([]);
  expect(about(judgeEvictions(truth, []).contradictions)).toEqual(["missed orphan"]);
});

test("an end that came within the lateness excuses nothing", () => {
  const turn = orphanedTurn();
  const truth = truthOf([turn.script], (step) =>
    step.type === "end" && step.work === turn.healthy ? latenessMs - 500 : 10,
  );
  const events = [eviction(turn.trace, { "openclaw.evictedTools": 2 })];
  expect(about(judgeEvictions(truth, events).contradictions)).toEqual(["false eviction"]);
});

test("an orphan that is evicted before the lateness is over is found out", () => {
  const turn = orphanedTurn();
  const truth = truthOf([turn.script]);
  const closedMs = turn.script.length;
  const judge = (...[of, ms]: [Truth, number]) =>
    about(judgeEvictions(of, [eviction(turn.trace)], new Map([["one", ms]])).contradictions);
  expect(judge(truth, closedMs + latenessMs)).toEqual([]);
  expect(judge(truth, closedMs + latenessMs - 500)).toEqual(["false eviction"]);
  // It may have been decided without what came too late.
  const late = truthOf([turn.script], () => latenessMs + 10);
  expect(judge(late, closedMs + latenessMs - 500)).toEqual([]);
});

test("the lease of a snapshot that came twice may end before the run of an orphan does", () => {
  const turn = orphanedTurn();
  const truth = truthOf(
    [turn.script],
    (step) => (step.type === "end" && step.work === turn.run ? 25_000 : 10),
    "datadog_partial",
  );
  const expired = eviction(turn.trace, { "openclaw.reason": "lease_expired" });
  expect(judgeEvictions(truth, [expired]).contradictions).toEqual([]);
  expect(judgeEvictions(truth, [eviction(turn.trace)]).contradictions).toEqual([]);
  expect(
    about(
      judgeEvictions(
        truthOf([turn.script], () => 10, "datadog_partial"),
        [expired],
      ).contradictions,
    ),
  ).toEqual(["missed orphan", "false eviction"]);
});

test("nobody can say what became of work whose run was never answered", () => {
  const turn = orphanedTurn();
  const truth = truthOf([turn.script], (step) =>
    step.type === "end" && step.work === turn.run ? undefined : 10,
  );
  for (const events of [[], [eviction(turn.trace)]]) {
    expect(judgeEvictions(truth, events).contradictions).toEqual([]);
  }
});

test("nobody can say what became of work whose session ended in a request that was never answered", () => {
  const chance = new Chance(3);
  const work = (kind: Work["kind"], parent?: Work): Work => ({
    kind,
    fate: "session_ended",
    process: "gateway",
    session: "s",
    traceId: parent?.traceId ?? chance.bytes(16),
    spanId: chance.bytes(8),
    ...(parent === undefined ? {} : { parent }),
    startMs: 0,
    endMs: 0,
  });
  const run = work("run");
  const script: Script = [
    { type: "start", work: run },
    { type: "start", work: work("tool", run) },
    { type: "session_end", process: "gateway", session: "s" },
  ];
  const unanswered = truthOf([script], (step) => (step.type === "session_end" ? undefined : 10));
  expect(judgeEvictions(unanswered, []).contradictions).toEqual([]);
  expect(about(judgeEvictions(truthOf([script]), []).contradictions)).toEqual(["missed orphan"]);
});

test("nobody can say what became of work of a process that ended when its start was delivered again after that", () => {
  const chance = new Chance(4);
  const traceId = chance.bytes(16);
  const works = (["run", "tool"] as const).map((kind) => ({
    ...{ kind, fate: "process_gone", process: "gone", traceId, spanId: chance.bytes(8) },
    ...{ startMs: 0, endMs: 0 },
  })) as Work[];
  const script: Script = [
    ...works.map((work) => ({ type: "start" as const, work })),
    { type: "process_end", process: "gone" },
  ];
  const judge = (dialect: DialectName, repeatMs: number) => {
    const truth = truthOf([script], () => 10, dialect, [repeatMs]);
    return about(judgeEvictions(truth, []).contradictions);
  };
  expect(judge("live_span", 1_000)).toEqual([]);
  expect(judge("live_span", 1)).toEqual(["missed orphan"]);
  expect(judge("live_span", 60_000)).toEqual(["missed orphan"]);
  // A heartbeat shows when it was sent.
  expect(judge("partial_log", 1_000)).toEqual(["missed orphan"]);
});

const digest = "digest";

test("an item that was answered and is at no backend, or not as it was, is found out", () => {
  const sent = (isAnswered: boolean) => new Map([["a", { digest, sender: "x", isAnswered }]]);
  const there = (found: string) => new Map([["a", { times: 2, digests: new Set([found]) }]]);
  const judge = (
    ...[items, delivered, refused = new Set<string>()]: [
      Parameters<typeof judgeDelivery>[0],
      Parameters<typeof judgeDelivery>[1],
      Set<string>?,
    ]
  ) => about(judgeDelivery(items, delivered, refused).contradictions);
  expect(judge(sent(true), there(digest))).toEqual([]);
  expect(judge(sent(true), new Map())).toEqual(["delivery"]);
  expect(judge(sent(true), new Map(), new Set(["a"]))).toEqual([]);
  expect(judge(sent(false), new Map())).toEqual([]);
  expect(judge(sent(true), there("another"))).toEqual(["delivery"]);
  expect(judge(new Map(), there(digest))).toEqual(["delivery"]);
});

test("what two encodings of a request hold is the same, and one byte more is something else", () => {
  const request = (name: string) =>
    otlp.ExportLogsServiceRequest.encode({
      resourceLogs: [
        {
          scopeLogs: [
            {
              logRecords: [
                {
                  body: { stringValue: name },
                  attributes: [{ key: itemKey, value: { stringValue: "id" } }],
                },
              ],
            },
          ],
        },
      ],
    }).finish();
  const twice = otlp.ExportLogsServiceRequest.encode(
    otlp.ExportLogsServiceRequest.decode(request("body")),
  ).finish();
  expect(contentsOf("logs", twice)).toEqual(contentsOf("logs", request("body")));
  expect(contentsOf("logs", request("other"))).not.toEqual(contentsOf("logs", request("body")));
});

const page = (values: Readonly<Record<string, number>>) =>
  metricsPage(
    Object.entries(values)
      .map(([series, value]) => {
        const name = series.replace(/\{.*/, "");
        return `# TYPE ${name} ${name.endsWith("_total") ? "counter" : "gauge"}\n${series} ${value}`;
      })
      .join("\n"),
  );
const counted = {
  'openclaw_session_activity_started_total{kind="tool"}': 2,
  'openclaw_session_activity_ended_total{kind="tool"}': 1,
  'openclaw_session_activity_evicted_work_total{kind="tool",reason="orphaned_no_owner"}': 1,
  'openclaw_session_activity_evicted_total{reason="orphaned_no_owner"}': 1,
  'openclaw_session_activity_started_total{kind="run"}': 1,
  'openclaw_session_activity_ended_total{kind="run"}': 1,
};

test("a counter that is changed by one is found out, whichever it is", () => {
  const { script } = orphanedTurn();
  const truth = truthOf([script]);
  const options = { before: emptyTally(), foreign: 0 };
  const judge = (values: Readonly<Record<string, number>>) => [
    ...judgeTally(truth, page(values), options),
    ...judgeBalance(page(values)),
  ];
  expect(judge(counted)).toEqual([]);
  for (const [series, value] of Object.entries(counted)) {
    for (const wrong of [value - 1, value + 1]) {
      expect(judge({ ...counted, [series]: wrong })).not.toEqual([]);
    }
  }
});

test("a counter that falls, or is gone, is found out; one of the activity over a restart, too", () => {
  const own = "otelcol_receiver_accepted_spans_total";
  const activity = 'openclaw_session_activity_ended_total{kind="run"}';
  const before = countersOf(page({ [own]: 2, [activity]: 2, gauge: 2 }));
  const judge = (values: Readonly<Record<string, number>>, isSameLife: boolean) =>
    judgeMonotony(before, countersOf(page(values)), { isSameLife });
  expect(judge({ [own]: 2, [activity]: 3, gauge: 1 }, true)).toEqual([]);
  expect(judge({ [own]: 1, [activity]: 2 }, true)).toHaveLength(1);
  expect(judge({ [activity]: 2 }, true)).toHaveLength(1);
  expect(judge({ [own]: 0, [activity]: 2 }, false)).toEqual([]);
  expect(judge({ [own]: 0, [activity]: 1 }, false)).toHaveLength(1);
});

test("an event that one backend lacks is found out, unless it has refused it", () => {
  const { trace } = orphanedTurn();
  const events = [eviction(trace)];
  const none = new Map<string, DerivedEvent>();
  const figures = { late: 0, isDamaged: false, lost: new Set<string>() };
  const judge = (...ledgers: Parameters<typeof judgeEvents>[0]) =>
    about(judgeEvents(ledgers, page(counted), figures));
  expect(judge({ events, refusedEvents: none }, { events, refusedEvents: none })).toEqual([]);
  expect(judge({ events, refusedEvents: none }, { events: [], refusedEvents: none })).toEqual([
    "event",
  ]);
  const refusedEvents = new Map([["one", eviction(trace)]]);
  expect(judge({ events, refusedEvents: none }, { events: [], refusedEvents })).toEqual([]);
  // It came, and both have refused it.
  expect(judge({ events: [], refusedEvents }, { events: [], refusedEvents })).toEqual([]);
  figures.lost.add("one");
  expect(judge({ events, refusedEvents: none }, { events: [], refusedEvents: none })).toEqual([]);
});

/** As the collector sends it. */
function requestOfEvent(eventName: string, uid: string): Uint8Array {
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  return otlp.ExportLogsServiceRequest.encode({
    resourceLogs: [
      {
        resource: { attributes: [text("service.name", "openclaw-activity-collector")] },
        scopeLogs: [{ logRecords: [{ eventName, attributes: [text("log.record.uid", uid)] }] }],
      },
    ],
  }).finish();
}

test("an event that every backend has refused came nevertheless", () => {
  const ledger = new Ledger([], {
    delivered: new Map(),
    refused: new Set(),
    seenMs: new Map(),
  });
  const [name] = eventNames;
  ledger.refuse("logs", requestOfEvent(name, "one"));
  ledger.refuse("logs", requestOfEvent(name, "one"));
  expect(ledger.named(name).map(({ attributes }) => attributes["log.record.uid"])).toEqual(["one"]);
  expect(ledger.events).toEqual([]);
});

test("events that say something else than the counters, or reconcile what was right, are found out", () => {
  const { trace } = orphanedTurn();
  const twice = eviction(trace, { "openclaw.evictedTools": 2 });
  const ledger = (...events: readonly DerivedEvent[]) => ({
    events: [...events],
    refusedEvents: new Map<string, DerivedEvent>(),
  });
  const judge = (...events: readonly DerivedEvent[]) =>
    about(
      judgeEvents([ledger(...events)], page(counted), {
        late: 0,
        isDamaged: false,
        lost: new Set(),
      }),
    );
  expect(judge(eviction(trace))).toEqual([]);
  expect(judge(twice)).toEqual(["counter"]);
  const reconciled = {
    ...eviction(trace, { "log.record.uid": "two" }),
    name: "session.activity.reconciled",
  };
  expect(judge(eviction(trace), reconciled)).toEqual(["counter", "event"]);
});

test("a session in another state than its run is found out", () => {
  const chance = new Chance(2);
  const truth = truthOf([openTurn(chance, "gateway"), waitingTurn(chance, "gateway")]);
  const states = (blocked: number, paused: number, active = 0) =>
    judgeStates(
      truth,
      page({
        'openclaw_session_activity_sessions{state="blocked_tool_call",blocked_by="tool"}': blocked,
        'openclaw_session_activity_sessions{state="paused",blocked_by="none"}': paused,
        'openclaw_session_activity_sessions{state="active",blocked_by="none"}': active,
      }),
    );
  expect(states(1, 1)).toEqual([]);
  expect(about(states(2, 0))).toEqual(["state", "state"]);
  expect(about(states(0, 1, 1))).toEqual(["state", "state"]);
});

test("a readiness page that is well while the storage is not is found out, and so is an id on it", () => {
  const look = { status: 503, text: "{}", canary: "canary", isBroken: true };
  expect(judgeReadiness(look)).toEqual([]);
  expect(about(judgeReadiness({ ...look, status: 200 }))).toEqual(["health"]);
  expect(about(judgeReadiness({ ...look, status: 500 }))).toEqual(["health", "health"]);
  expect(about(judgeReadiness({ ...look, text: "a canary" }))).toEqual(["leak"]);
});

test("a page of health that is not well when all is well is found out, unless only the end of a damaged state is missing", () => {
  const missing = JSON.stringify({
    errors: {
      "processor:session_activity":
        "The end of the stored state was missing at the start, so work that was open in it is not tracked.",
    },
  });
  const look = { path: "/ready", status: 503, text: missing, wasDamaged: true };
  expect(judgeHealed(look)).toEqual([]);
  expect(judgeHealed({ ...look, status: 200, wasDamaged: false })).toEqual([]);
  expect(about(judgeHealed({ ...look, wasDamaged: false }))).toEqual(["health"]);
  expect(about(judgeHealed({ ...look, path: "/" }))).toEqual(["health"]);
  const full = JSON.stringify({ errors: { "extension:file_storage": "State is not stored." } });
  expect(about(judgeHealed({ ...look, text: full }))).toEqual(["health"]);
});

const stopped = { asked: ["SIGTERM"], signal: null };
const lossy = {
  exitCode: 3,
  stderr: "Shutdown complete, with failures; the lines above say which.\n",
};
const killed = { exitCode: null, signal: "SIGKILL", asked: ["SIGKILL"], stderr: "all is well\n" };

for (const [title, words, wanted] of [
  ["a process that was killed", {}, []],
  ["a process that ended by itself", { asked: [] }, ["process"]],
  ["a stop that lost something and says nothing", { ...stopped, exitCode: 3 }, ["process"]],
  ["a stop that says that it lost derived data", { ...stopped, ...lossy }, []],
  [
    "a stop that did not store its state",
    { ...stopped, ...lossy, stderr: `State was not stored\n${lossy.stderr}` },
    ["process"],
  ],
  ["a stop that was killed", { asked: ["SIGTERM"] }, ["process"]],
  ["a bug", { stderr: "A component has failed. Please report it.\n" }, ["log"]],
  ["a stack trace", { stderr: "oops\n    at read (file:///src/a.ts:1:2)\n" }, ["log"]],
  ["a full heap", { stderr: "FATAL ERROR: Reached heap limit\n" }, ["log"]],
  ["an id in the log", { stderr: "session canary-1\n" }, ["leak"]],
] as const) {
  test(`of ${title} the last words are judged`, () => {
    expect(about(judgeLife({ ...killed, ...words }, ["canary-"]))).toEqual(wanted);
  });
}
