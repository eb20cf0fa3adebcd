import { OtlpEncoder, type ProcessRecord } from "../../openclaw-plugin/src/otlp.ts";
import type { EventRecord, SpanRecord } from "../../openclaw-plugin/src/relay-record.ts";
import type { Request, Step, Work } from "../system/kill/work.ts";
import { type DialectOptions, type Encode, sessionCanary } from "./dialect.ts";
import { hex } from "./items.ts";

/** S0, in the bytes that the plugin for OpenClaw makes: every process has a queue of its own. */
export function createRelay({ skewMs }: DialectOptions): Encode {
  const encoders = new Map<string, OtlpEncoder>();
  const seqs = new Map<string, number>();
  const nextSeq = (process: string) => {
    const seq = (seqs.get(process) ?? 0) + 1;
    seqs.set(process, seq);
    return seq;
  };
  const encoderOf = (process: string) => {
    const encoder =
      encoders.get(process) ??
      new OtlpEncoder({
        serviceName: process,
        serviceInstanceId: "one",
        hostName: "box",
        processPid: 7,
      });
    encoders.set(process, encoder);
    return encoder;
  };
  return (steps, atMs) => {
    const requests: Request[] = [];
    const processes = [...new Set(steps.map(processOf))];
    for (const process of processes) {
      const ofProcess = steps.filter((step) => processOf(step) === process);
      const encoder = encoderOf(process);
      const spans: SpanRecord[] = [];
      const spanSteps: Step[] = [];
      const events: (EventRecord | ProcessRecord)[] = [];
      const eventSteps: Step[] = [];
      const sentMs = atMs + skewMs(atMs);
      for (const step of ofProcess) {
        const seq = nextSeq(process);
        switch (step.type) {
          case "session_end":
            events.push({
              signal: "session",
              event: "session.end",
              session: pseudonymOf(step.session),
              seq,
              atMs: sentMs,
            });
            eventSteps.push(step);
            break;
          case "process_end":
            events.push({ signal: "process", event: "entity.delete", atMs: sentMs, lost: 0 });
            eventSteps.push(step);
            break;
          case "pause":
            events.push({
              signal: "pause",
              event: "gen_ai.agent.paused",
              pause: `pause-${hex(step.work.spanId)}`,
              session: pseudonymOf(step.work.session ?? hex(step.work.traceId)),
              traceId: hex(step.work.traceId),
              spanId: hex(step.work.spanId),
              seq,
              atMs: sentMs,
            });
            eventSteps.push(step);
            break;
          default:
            spans.push(spanRecordOf(step.work, step.type === "end", seq, skewMs));
            spanSteps.push(step);
        }
      }
      if (spans.length > 0) {
        requests.push({ signal: "traces", steps: spanSteps, bytes: encoder.traces(spans) });
      }
      if (events.length > 0) {
        requests.push({ signal: "logs", steps: eventSteps, bytes: encoder.logs(events) });
      }
    }
    return requests;
  };
}

function spanRecordOf(
  work: Work,
  isEnd: boolean,
  seq: number,
  skewMs: DialectOptions["skewMs"],
): SpanRecord {
  return {
    signal: "span",
    phase: isEnd ? "end" : "start",
    isProgress: false,
    kind: work.kind,
    traceId: hex(work.traceId),
    spanId: hex(work.spanId),
    parentSpanId: work.parent === undefined ? "" : hex(work.parent.spanId),
    startMs: work.startMs + skewMs(work.startMs),
    endMs: isEnd ? work.endMs + skewMs(work.endMs) : 0,
    session: pseudonymOf(work.session ?? hex(work.traceId)),
    seq,
    isError: false,
    name: work.kind === "tool" ? "exec" : undefined,
    outcome: undefined,
    errorCategory: undefined,
    channel: "webchat",
    provider: undefined,
    model: undefined,
  };
}

function pseudonymOf(session: string): string {
  return `${sessionCanary}-${session}`;
}

function processOf(step: Step): string {
  return "work" in step ? step.work.process : step.process;
}
