import { describe, expect, test } from "vitest";
import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import { SignalBatch, signalTypes } from "../../../src/activity/model/signal-batch.ts";
import { kindNames, toWorkKind, workKinds } from "../../../src/activity/model/work.ts";
import { KeyedHash } from "../../../src/activity/recognition/keyed-hash.ts";
import { LabelValues } from "../../../src/activity/recognition/label-values.ts";
import { SenderProcesses } from "../../../src/activity/recognition/sender-processes.ts";
import { SpanSignalReader } from "../../../src/activity/recognition/span-signal-reader.ts";
import { pathOf } from "../../support/repository.ts";
import { finishedSpans, recordings, requestsOf } from "../../support/senders/recordings.ts";
import { limits } from "../engine/history.ts";

/**
 * What the finished spans of each recording are, by what its program does: one turn of one agent, two
 * tools unless said otherwise, two model calls. Some have a run around the run of the agent: a workflow, a crew, the trace.
 */
const turns: Readonly<Record<string, { readonly runs: number; readonly tools?: number }>> = {
  "agentops/turn": { runs: 2 },
  "ai-sdk/turn": { runs: 1 },
  "ai-sdk-legacy/turn": { runs: 1 },
  "autogen/turn": { runs: 1, tools: 1 },
  "claude-code/turn": { runs: 1 },
  "codex/turn": { runs: 1 },
  "ddtrace/turn": { runs: 1 },
  "gemini-cli/turn": { runs: 0 },
  "genkit/turn": { runs: 1, tools: 1 },
  "genkit-js/turn": { runs: 1 },
  "google-adk/turn": { runs: 2 },
  "langfuse-js/turn": { runs: 1 },
  "langsmith-py/turn": { runs: 1 },
  "logfire-js/turn": { runs: 1 },
  "logfire-py/turn": { runs: 1 },
  "mastra/turn": { runs: 1 },
  "mastra-bridge/turn": { runs: 1 },
  "openai-agents-js/turn": { runs: 2 },
  "openai-agents-v2/turn": { runs: 2 },
  "openinference-crewai/turn": { runs: 2 },
  "openinference-langchain-js/turn": { runs: 1 },
  "openinference-llama-index/turn": { runs: 1, tools: 1 },
  "openinference-openai-agents/turn": { runs: 2 },
  "partial-span-processor/turn": { runs: 1 },
  "traceloop-js/turn": { runs: 2 },
};

function observe(recording: string) {
  const activity = new ActivityEngine(limits);
  const tools = new LabelValues(100);
  const observer = new SpanSignalReader({
    processes: new SenderProcesses(),
    hash: new KeyedHash(new Uint8Array(16)),
    tools,
    channels: new LabelValues(100),
  });
  const signals = new SignalBatch();
  const lines: string[] = [];
  let lastMs = 0;
  const traces = requestsOf(recording).filter(({ signal }) => signal === "traces");
  for (const { bytes, atMs } of traces) {
    observer.read(finishedSpans(bytes), signals);
    const { spans } = observer;
    // What the content of a model call asks for follows its span as signals of their own.
    const ofSpans = Array.from({ length: signals.count }, (_, at) => at).filter(
      (at) => signals.type.get(at) === signalTypes.end,
    );
    for (const [row, signal] of ofSpans.entries()) {
      const text = (from: number, to: number) =>
        Buffer.from(spans.bytes.subarray(from, to)).toString("utf8");
      const kind = kindNames[toWorkKind(signals.kind.get(signal))];
      const references = signals.referencesTo.get(signal) - signals.referencesFrom.get(signal);
      lines.push(
        [
          (kind === "other" ? "-" : kind).padEnd(10),
          (tools.valueOf(signals.name.get(signal)) ?? "-").padEnd(11),
          (references > 0 ? "session" : "-").padEnd(7),
          `${text(spans.nameStart.get(row), spans.nameEnd.get(row))} (${text(spans.scopeNameStart.get(row), spans.scopeNameEnd.get(row))})`,
        ].join("  "),
      );
    }
    lastMs = atMs - (traces[0]?.atMs ?? 0);
    activity.apply(signals, lastMs);
  }
  activity.tick(lastMs + 60_000);
  return { lines, counts: activity.counters };
}

describe("real bytes of agent libraries", () => {
  test("every recorded turn is in the table", () => {
    expect(recordings().filter((name) => name.endsWith("/turn"))).toEqual(Object.keys(turns));
  });

  for (const recording of recordings()) {
    test(`each finished span of ${recording} is classified as in its golden file`, async () => {
      const { lines } = observe(recording);
      await expect(
        ["kind        tool         session  span (scope)", ...lines, ""].join("\n"),
      ).toMatchFileSnapshot(pathOf(`test/testdata/senders/${recording.replace("/", ".")}.golden`));
    });
  }

  for (const [recording, { runs, tools = 2 }] of Object.entries(turns)) {
    test(`${recording} is ${runs === 1 ? "one run" : `${runs} runs`}, ${tools === 1 ? "one tool" : "two tools"} and two model calls`, () => {
      const { counts } = observe(recording);
      expect(counts.ended).toEqual([counts.ended[workKinds.other], runs, tools, 2]);
      expect(counts.started).toEqual(counts.ended);
      expect(counts.open).toEqual([0, 0, 0, 0]);
      expect([workKinds.tool, workKinds.modelCall].map((kind) => counts.evictedOf(kind))).toEqual([
        0, 0,
      ]);
    });
  }
});

/** Runs, tools and model calls that started; of the tools those that are orphans. */
const left: Readonly<
  Record<string, { readonly started: readonly number[]; readonly orphans: number }>
> = {
  // The run was cancelled while one of two tools hung, whose span never ended: only the model call knows of it.
  "agno/cancelled": { started: [1, 2, 1], orphans: 1 },
  // A turn of two tools, and two in which one waits for approval: once given in the next request, once refused.
  "ai-sdk-6/approval": { started: [5, 5, 6], orphans: 0 },
  "pydantic-ai/approval": { started: [5, 5, 6], orphans: 0 },
};

describe("real bytes of turns with calls that were left open", () => {
  for (const [recording, { started, orphans }] of Object.entries(left)) {
    test(`${recording}: ${orphans} orphaned`, () => {
      const { counts } = observe(recording);
      expect(counts.started.slice(1)).toEqual(started);
      expect(counts.ended.slice(1)).toEqual([started[0], started[1]! - orphans, started[2]]);
      expect(counts.evictedOf(workKinds.tool)).toBe(orphans);
      expect(counts.reconciled).toEqual([0, 0, 0, 0]);
    });
  }
});
