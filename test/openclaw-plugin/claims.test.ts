import { expect, test } from "vitest";
import { claimEventTypes } from "../../openclaw-plugin/src/claim-event.ts";
import { parseDiagnosticEvent } from "../../openclaw-plugin/src/gateway-event.ts";
import { EventScript } from "./event-script.ts";

const lastOf = (script: EventScript) => script.drawn().trim().split("\n").at(-1)!.split("\t")[2];

const session = "agent:main:a";

/** Turn 1 left a tool open; turn 2 of the same session waits for a model. */
const twoTurns = () =>
  new EventScript()
    .event("run.started", "a1", { sessionKey: session })
    .event("tool.execution.started", "a1", {
      sessionKey: session,
      toolCallId: "c1",
      toolName: "bash",
    })
    .event("run.completed", "a1", { sessionKey: session })
    .event("run.started", "a2", { sessionKey: session })
    .event("model.call.started", "a2", { sessionKey: session, callId: "a2:model:1" });

test("a claim about a tool names the span of that call, also when its run has ended", () => {
  const script = twoTurns().gateway("session.stalled", session, {
    state: "processing",
    reason: "blocked_tool_call",
    classification: "blocked_tool_call",
    activeWorkKind: "tool_call",
    activeToolName: "bash",
    activeToolCallId: "c1",
    queueDepth: 1,
    ageMs: 120_500.7,
    lastProgressAgeMs: 120_000,
  });

  expect(lastOf(script)).toBe(
    "S1 state=processing reason=blocked_tool_call classification=blocked_tool_call activeWorkKind=tool_call toolName=bash queueDepth=1 ageMs=120500 lastProgressAgeMs=120000 names t1 in T1 seq=6",
  );
});

test.each([
  ["model_call", "names m1 in T2"],
  ["embedded_run", "names R2 in T2"],
])("a claim about the %s of a session names the newest that is open", (activeWorkKind, named) => {
  const script = twoTurns().gateway("session.long_running", session, { activeWorkKind });

  expect(lastOf(script)).toBe(`S1 activeWorkKind=${activeWorkKind} ${named} seq=6`);
});

test.each([
  ["a call that was never seen", { activeWorkKind: "tool_call", activeToolCallId: "c9" }],
  ["a tool without its call id", { activeWorkKind: "tool_call", activeToolName: "bash" }],
  ["no kind of work", {}],
  ["a kind of work that is new", { activeWorkKind: "dream" }],
])("a claim about %s names no span", (_, fields) => {
  const script = twoTurns().gateway("session.stuck", session, fields);

  expect(lastOf(script)).not.toContain("names");
});

test("a claim about a tool that has ended names no span", () => {
  const script = twoTurns()
    .event("tool.execution.completed", "a1", {
      sessionKey: session,
      toolCallId: "c1",
      toolName: "bash",
    })
    .gateway("session.stalled", session, { activeWorkKind: "tool_call", activeToolCallId: "c1" });

  expect(lastOf(script)).toBe("S1 activeWorkKind=tool_call seq=7");
});

test("a recovery says what was done, and the gateway's own eviction how much", () => {
  const script = twoTurns().gateway("session.recovery.completed", session, {
    action: "abort_embedded_run",
    status: "aborted",
  });
  expect(lastOf(script)).toBe("S1 action=abort_embedded_run status=aborted seq=6");

  script.gateway("session.activity.evicted", session, {
    reason: "orphaned_no_owner",
    evictedTools: 1,
    evictedModelCalls: 0,
  });
  expect(lastOf(script)).toBe(
    "S1 reason=orphaned_no_owner evictedTools=1 evictedModelCalls=0 seq=7",
  );
});

test("a claim without a session is passed on without one", () => {
  const script = twoTurns().gateway("message.queued", "", { queueDepth: 3 });

  expect(lastOf(script)).toBe("nobody queueDepth=3 seq=6");
});

test("fields that are no words of a fixed list, or no counts, are left out", () => {
  const script = twoTurns().gateway("session.stalled", session, {
    state: "dreaming",
    reason: "call_1234567890",
    classification: "Agent:main:a",
    activeToolName: "agent:main:a",
    queueDepth: -1,
    ageMs: Number.POSITIVE_INFINITY,
    lastProgressAgeMs: "12",
    action: "x".repeat(200),
    status: { toString: () => "aborted" },
  });

  expect(lastOf(script)).toBe("S1 seq=6");
});

test.each(claimEventTypes)(
  "%s is believed when it comes from the gateway, and from no plugin",
  (type) => {
    const parse = (metadata: unknown) =>
      parseDiagnosticEvent({ type, sessionKey: session, seq: 1, ts: 1 }, metadata, 0);

    expect(parse({ internal: true, trusted: false })).toMatchObject({ type: "claim", event: type });
    expect(parse({ trusted: true })).toMatchObject({ type: "claim", event: type });
    expect(parse({ trusted: false })).toBeUndefined();
    expect(parse({ internal: "yes", trusted: "yes" })).toBeUndefined();
    expect(parse(undefined)).toBeUndefined();
  },
);
