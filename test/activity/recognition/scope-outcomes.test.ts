import Long from "long";
import { expect, test } from "vitest";
import { SignalBatch, signalFlags } from "../../../src/activity/model/signal-batch.ts";
import { otlp } from "../../../src/otlp/proto/generated.js";
import { createSpanReader } from "./signal-readers.ts";

interface Sent {
  readonly scope: string;
  readonly kind: "AGENT" | "LLM" | "TOOL" | "CHAIN";
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly isOpen?: boolean;
}

const agno = "openinference.instrumentation.agno";

/** Which of some spans, which come in requests of their own, are runs that were broken off. */
function brokenOff(...sent: readonly Sent[]): readonly boolean[] {
  const { observer } = createSpanReader();
  const signals = new SignalBatch();
  return sent.map(({ scope, kind, status, isOpen }, at) => {
    const span = {
      traceId: new Uint8Array(16).fill(1),
      spanId: new Uint8Array(8).fill(at + 1),
      name: "x",
      startTimeUnixNano: Long.fromNumber(1_000_000_000),
      endTimeUnixNano: Long.fromNumber(isOpen === true ? 0 : 2_000_000_000),
      status: { code: status },
      attributes: [{ key: "openinference.span.kind", value: { stringValue: kind } }],
    };
    const scopeSpans = [{ scope: { name: scope }, spans: [span] }];
    const bytes = otlp.ExportTraceServiceRequest.encode({ resourceSpans: [{ scopeSpans }] });
    observer.read(bytes.finish(), signals);
    return (signals.flags.get(0) & signalFlags.aborted) !== 0;
  });
}

const last = (...sent: readonly Sent[]) => brokenOff(...sent).at(-1);

test("a run without a status was cancelled if its instrumentation sets one on every success", () => {
  const tool: Sent = { scope: agno, kind: "TOOL", status: 1 };
  const run: Sent = { scope: agno, kind: "AGENT", status: 0 };
  expect(brokenOff(tool, run, tool)).toEqual([false, true, false]);
  expect(last({ ...tool, kind: "LLM" }, run)).toBe(true);
  for (const [what, ...sent] of [
    ["it succeeded", tool, { ...run, status: 1 }],
    ["it failed", tool, { ...run, status: 2 }],
    ["it goes on", tool, { ...run, isOpen: true }],
    ["nothing is known of its instrumentation", run],
    ["only a tool that failed is", { ...tool, status: 2 }, run],
    ["only of a step", { ...tool, kind: "CHAIN" }, run],
    ["only of another one", { ...tool, scope: `${agno}2` }, run],
    ["it is none of OpenInference", { ...tool, scope: "openai" }, { ...run, scope: "openai" }],
  ] as const) {
    expect(last(...(sent as Sent[])), what).toBe(false);
  }
});

test("beyond 64 instrumentations runs of further ones never count as cancelled", () => {
  const tools = Array.from(
    { length: 65 },
    (_, at): Sent => ({
      scope: `${agno}${at}`,
      kind: "TOOL",
      status: 1,
    }),
  );
  expect(last(...tools, { scope: `${agno}63`, kind: "AGENT", status: 0 })).toBe(true);
  expect(last(...tools, { scope: `${agno}64`, kind: "AGENT", status: 0 })).toBe(false);
});
