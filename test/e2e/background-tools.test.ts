import { describe, expect, test } from "vitest";
import { type AgentSpan, agentSpan, tracesRequest } from "../support/agent-spans.ts";
import { startVirtualCollector } from "../support/virtual-collector.ts";

const startUnixMs = 1_795_000_000_000;
const config = {
  work_spans: [{ kind: "tool", match: { name: "* backup" }, detached: true }],
};
const isTool = { "gen_ai.operation.name": "execute_tool" };

/** A turn of one process with its tools, of which each is sent at a second after the start. */
async function played(settings: object) {
  const collector = await startVirtualCollector(settings, startUnixMs);
  const at = (second: number, span: AgentSpan): AgentSpan => ({
    ...span,
    startUnixMs: startUnixMs + second * 1000,
  });
  const run = at(
    0,
    agentSpan("invoke_agent", {
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.conversation.id": "s",
    }),
  );
  const backup = at(1, agentSpan("execute_tool backup", isTool, run));
  const search = at(2, agentSpan("execute_tool search", isTool, run));
  const send = async (
    second: number,
    ...spans: readonly { readonly span: AgentSpan; readonly hasEnded?: boolean }[]
  ) => {
    const nowMs = second * 1000;
    await collector.advanceTo(nowMs);
    const sent = spans.map(({ span, hasEnded }) => ({
      span,
      ...(hasEnded === true ? { endUnixMs: startUnixMs + nowMs } : {}),
    }));
    await collector.consume("traces", tracesRequest("agent", sent));
  };
  const evictions = () =>
    collector
      .events("session.activity.evicted")
      .map(({ atSeconds, attributes }) => [
        atSeconds,
        attributes["openclaw.reason"],
        attributes["openclaw.confidence"],
        attributes["openclaw.evictedTools"],
      ]);
  return { collector, run, backup, search, send, evictions };
}

describe("a tool that a rule says may outlive its run", () => {
  test("is no orphan of it, live, and ends when it ends; another tool of the run is one", async () => {
    const { collector, run, backup, search, send, evictions } = await played(config);
    await send(3, { span: run }, { span: backup }, { span: search });
    await send(5, { span: run, hasEnded: true });
    await send(900, { span: backup, hasEnded: true });
    await collector.advanceTo(1_000_000);
    expect(evictions()).toEqual([[15, "orphaned_no_owner", "confirmed", 1]]);
    const page = await collector.page();
    const count = (what: string) => page.sum(`openclaw_session_activity_${what}`, { kind: "tool" });
    expect(count("started_total")).toBe(2);
    expect(count("ended_total")).toBe(1);
    expect(count("reconciled_total")).toBe(0);
  });

  test("is an orphan without that rule, and reconciled when it ends", async () => {
    const { collector, run, backup, send, evictions } = await played({});
    await send(3, { span: run }, { span: backup });
    await send(5, { span: run, hasEnded: true });
    await send(900, { span: backup, hasEnded: true });
    expect(evictions()).toEqual([[15, "orphaned_no_owner", "confirmed", 1]]);
    const page = await collector.page();
    expect(page.sum("openclaw_session_activity_reconciled_total", { kind: "tool" })).toBe(1);
  });

  test("is given up at max_age when nothing says how it ends", async () => {
    const { collector, run, backup, send, evictions } = await played({ ...config, max_age: "1h" });
    await send(3, { span: run }, { span: backup });
    await send(5, { span: run, hasEnded: true });
    await collector.advanceTo(3_700_000);
    expect(evictions()).toEqual([[3_603, "max_age", "presumed", 1]]);
  });

  test("has ended by itself when it comes finished together with others after its run", async () => {
    for (const [settings, want] of [
      [config, []],
      [{}, [[70, "orphaned_no_owner", "probable", 2]]],
    ] as const) {
      const { collector, run, backup, search, send, evictions } = await played(settings);
      await send(5, { span: run, hasEnded: true });
      await send(60, { span: backup, hasEnded: true }, { span: search, hasEnded: true });
      await collector.advanceTo(200_000);
      expect(evictions()).toEqual(want);
    }
  });
});
