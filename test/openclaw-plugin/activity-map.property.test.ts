import { describe, expect, test } from "vitest";
import { OtlpEncoder } from "../../openclaw-plugin/src/otlp.ts";
import type { SpanRecord } from "../../openclaw-plugin/src/relay-record.ts";
import fc from "../support/fast-check.ts";
import { EventScript } from "./event-script.ts";

const runIds = ["RAWRUN-one", "RAWRUN-two", "announce:v1:agent:main:subagent:RAWKEY:RAWRUN-one"];
const sessionKeys = ["agent:main:RAWKEY:1", "agent:main:RAWKEY:2"];
const callIds = ["RAWCALL-1", "RAWCALL-2", "tool_search_code:RAWCALL-1:sessions_spawn:1"];

const types = [
  "harness.run.started",
  "harness.run.completed",
  "run.started",
  "run.completed",
  "tool.execution.started",
  "tool.execution.completed",
  "tool.execution.error",
  "tool.execution.blocked",
  "model.call.started",
  "model.call.completed",
];

const step = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      type: fc.constantFrom(...types),
      runId: fc.option(fc.constantFrom(...runIds), { nil: undefined, freq: 8 }),
      sessionKey: fc.option(fc.constantFrom(...sessionKeys), { nil: undefined, freq: 4 }),
      sessionId: fc.option(fc.constantFrom("RAWID-1", "RAWID-2"), { nil: undefined }),
      callId: fc.option(fc.constantFrom(...callIds), { nil: undefined, freq: 6 }),
      spanId: fc.option(fc.constantFrom("1", "2", "3"), { nil: undefined }),
      parentSpanId: fc.option(fc.constantFrom("1", "2", "3"), { nil: undefined }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      hook: fc.constantFrom("subagent_spawned", "session_end", "session_start"),
      runId: fc.constantFrom(...runIds),
      session: fc.constantFrom(...sessionKeys),
      child: fc.constantFrom(...sessionKeys),
    }),
  },
);

const claims = [
  "session.stalled",
  "session.stuck",
  "session.long_running",
  "session.recovery.requested",
  "session.recovery.completed",
  "session.state",
  "message.queued",
  "session.activity.evicted",
];

/** Everything a gateway can put into an event, also what it should not. */
const unlisted = fc.constantFrom(
  "RAWKEY",
  "agent:main:RAWKEY:1",
  "RAWCALL-1",
  "RAWRUN-one",
  "active_work",
);

const sideStep = fc.oneof(
  fc.record({
    claim: fc.constantFrom(...claims),
    sessionKey: fc.option(fc.constantFrom(...sessionKeys), { nil: undefined, freq: 4 }),
    sessionId: fc.option(fc.constantFrom("RAWID-1", "RAWID-2"), { nil: undefined }),
    activeToolCallId: fc.option(fc.constantFrom(...callIds), { nil: undefined }),
    activeWorkKind: fc.constantFrom("tool_call", "model_call", "embedded_run", "RAWKIND"),
    state: unlisted,
    reason: unlisted,
    classification: unlisted,
    action: unlisted,
    status: unlisted,
  }),
  fc.record({
    agent: fc.constantFrom("tool", "approval", "lifecycle"),
    runId: fc.constantFrom(...runIds),
    sessionKey: fc.option(fc.constantFrom(...sessionKeys), { nil: undefined, freq: 4 }),
    phase: fc.constantFrom(
      ...["update", "requested", "resolved", "waiting-approval", "approval-resolved"],
    ),
    toolCallId: fc.option(fc.constantFrom(...callIds), { nil: undefined, freq: 4 }),
    approvalId: fc.option(fc.constantFrom("RAWAPPROVAL-1", "RAWAPPROVAL-2"), { nil: undefined }),
  }),
  fc.record({
    progressOf: fc.option(fc.constantFrom(...runIds), { nil: undefined, freq: 8 }),
    sessionKey: fc.option(fc.constantFrom(...sessionKeys), { nil: undefined, freq: 4 }),
    afterMs: fc.constantFrom(0, 1_000, 20_000),
  }),
);

/** Work and, beside it, progress, approvals and claims. */
const anyStep = fc.oneof({ weight: 2, arbitrary: step }, { weight: 1, arbitrary: sideStep });

type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never;

function play(steps: readonly Step[]): EventScript {
  const script = new EventScript();
  let nowMs = 1_000;
  for (const at of steps) {
    if ("claim" in at) {
      const { claim, sessionKey, ...fields } = at;
      script.gateway(claim, sessionKey ?? "", fields);
    } else if ("agent" in at) {
      const { agent, runId, sessionKey, ...data } = at;
      script.agent(agent, runId, data, { sessionKey });
    } else if ("progressOf" in at) {
      nowMs += at.afterMs;
      script.event("run.progress", at.progressOf, { sessionKey: at.sessionKey, ts: nowMs });
    } else if ("hook" in at) {
      script.hook(
        at.hook,
        { runId: at.runId, childSessionKey: at.child, sessionKey: at.session, reason: "reset" },
        { requesterSessionKey: at.session },
      );
    } else {
      const { type, runId, callId, spanId, parentSpanId, ...session } = at;
      script.event(type, runId, {
        ...session,
        [type.startsWith("model") ? "callId" : "toolCallId"]: callId,
        toolName: callId === "RAWCALL-2" ? "ask_user" : "exec",
        trace: { traceId: "RAWTRACE", spanId, parentSpanId },
      });
    }
  }
  return script;
}

const never = () => undefined;

const spansOf = (script: EventScript): readonly SpanRecord[] =>
  script.records().filter((record): record is SpanRecord => record.signal === "span");

const resentSpans = (script: EventScript): readonly SpanRecord[] =>
  script.map.resend(0, never).filter((record): record is SpanRecord => record.signal === "span");

function groupedById(spans: readonly SpanRecord[]): Record<string, SpanRecord[]> {
  const groups: Record<string, SpanRecord[]> = {};
  for (const span of spans) {
    groups[span.spanId] = [...(groups[span.spanId] ?? []), span];
  }
  return groups;
}

describe("for every history of events", () => {
  test("no raw id is in any byte that is sent", () => {
    const encoder = new OtlpEncoder({
      serviceName: "openclaw",
      hostName: "host",
      processPid: 1,
      serviceInstanceId: "instance",
    });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const script = play(steps);
        const bytes = Buffer.concat([
          encoder.traces([...spansOf(script), ...resentSpans(script)]),
          encoder.logs(
            [...script.records(), ...script.map.resend(0, never)].flatMap((record) =>
              record.signal === "span" ? [] : [record],
            ),
          ),
        ]).toString("latin1");

        expect(bytes).not.toMatch(/RAW|agent:main|announce/);
      }),
    );
  });

  test("an id belongs to one piece of work: one end at most, and nothing about it changes but its parent and its end", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const bySpan = Object.values(groupedById(spansOf(play(steps))));
        for (const records of bySpan) {
          const [first] = records;
          expect(records.filter(({ phase }) => phase === "end").length).toBeLessThanOrEqual(1);
          // Nothing is said of it after its end.
          expect(records.slice(0, -1).every(({ phase }) => phase === "start")).toBe(true);
          for (const { kind, traceId, startMs, session, name } of records) {
            expect({ kind, traceId, startMs, session, name }).toEqual({
              kind: first!.kind,
              traceId: first!.traceId,
              startMs: first!.startMs,
              session: first!.session,
              name: first!.name,
            });
          }
        }
      }),
    );
  });

  test("every parent was sent before its child, in the same trace, and no span is its own ancestor", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const sent = new Map<string, SpanRecord>();
        for (const record of spansOf(play(steps))) {
          if (record.parentSpanId !== "") {
            expect(sent.get(record.parentSpanId)?.traceId).toBe(record.traceId);
          }
          sent.set(record.spanId, record);
        }
        for (const record of sent.values()) {
          const seen = new Set<string>();
          for (let at: SpanRecord | undefined = record; at !== undefined; ) {
            expect(seen.has(at.spanId)).toBe(false);
            seen.add(at.spanId);
            at = sent.get(at.parentSpanId);
          }
        }
      }),
    );
  });

  test("what is open is what was started and not ended, and all of it is sent again", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const script = play(steps);
        const open = new Set<string>();
        for (const { phase, spanId } of spansOf(script)) {
          if (phase === "start") {
            open.add(spanId);
          } else {
            open.delete(spanId);
          }
        }
        const again = resentSpans(script).filter(({ phase }) => phase === "start");

        expect(script.map.openCount).toBe(open.size);
        expect(new Set(again.map(({ spanId }) => spanId))).toEqual(open);
      }),
    );
  });

  test("a start whose end event comes is ended", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
        const script = play(steps);
        // Enough ends of every key to close whatever is open.
        for (const type of ["tool.execution.completed", "run.completed", "harness.run.completed"]) {
          for (const runId of [...runIds, undefined]) {
            for (const sessionKey of [...sessionKeys, undefined]) {
              for (const sessionId of ["RAWID-1", "RAWID-2", undefined]) {
                for (const callId of [...callIds, undefined]) {
                  for (let again = 0; again < steps.length; again += 1) {
                    script.event(type, runId, {
                      sessionKey,
                      sessionId,
                      toolCallId: callId,
                      toolName: "exec",
                    });
                  }
                }
              }
            }
          }
        }
        const open = resentSpans(script).filter(({ phase }) => phase === "start");

        expect(open.filter(({ kind }) => kind !== "model_call")).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test("progress repeats a start that was sent, of work that is open, ten seconds apart at least", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const open = new Map<string, number>();
        for (const { spanId, phase, isProgress } of spansOf(play(steps))) {
          expect(!isProgress || open.has(spanId)).toBe(true);
          if (phase === "end") {
            open.delete(spanId);
          } else {
            open.set(spanId, (open.get(spanId) ?? 0) + (isProgress ? 1 : 0));
          }
        }
        const passedMs = steps.reduce((sum, at) => sum + ("afterMs" in at ? at.afterMs : 0), 0);
        for (const count of open.values()) {
          expect(count).toBeLessThanOrEqual(2 + passedMs / 10_000);
        }
      }),
    );
  });

  test("a pause begins once and ends once at most, and names work that was sent and is open", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const script = play(steps);
        const open = new Set<string>();
        const paused = new Map<string, string>();
        for (const record of script.records()) {
          if (record.signal === "span") {
            open[record.phase === "start" ? "add" : "delete"](record.spanId);
            expect([...paused.values()]).not.toContain(
              open.has(record.spanId) ? "" : record.spanId,
            );
          } else if (record.signal === "pause") {
            expect(paused.has(record.pause)).toBe(record.event === "gen_ai.agent.resumed");
            if (paused.delete(record.pause)) {
              continue;
            }
            expect(open).toContain(record.spanId);
            paused.set(record.pause, record.spanId);
          }
        }
        const again = script.map.resend(0, never).filter(({ signal }) => signal === "pause");
        expect(again).toHaveLength(paused.size);
      }),
    );
  });

  test("a claim names no span, or one that is open", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        const open = new Set<string>();
        for (const record of play(steps).records()) {
          if (record.signal === "span") {
            open[record.phase === "start" ? "add" : "delete"](record.spanId);
          } else if (record.signal === "claim") {
            expect(record.spanId === "" || open.has(record.spanId)).toBe(true);
          }
        }
      }),
    );
  });

  test("equal histories give equal records", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        expect(play(steps).records()).toEqual(play(steps).records());
      }),
    );
  });
});
