import type {
  ClaimRecord,
  PauseRecord,
  SessionRecord,
  SpanRecord,
} from "../../openclaw-plugin/src/relay-record.ts";
import { type SenderSignal, sentMs } from "./sender-dialect.ts";
import type { GatewayProcess, Work } from "./story.ts";

type PseudonymOf = (session: string) => string;

/** The start or end of work, or progress: a repeat of the start, of the tool that made it, or of the run whose model call streams. */
export function spanRecordOf(
  signal: SenderSignal,
  process: GatewayProcess,
  pseudonymOf: PseudonymOf,
): readonly SpanRecord[] {
  if (!("work" in signal)) {
    return [];
  }
  const isProgress = signal.what === "progress";
  const isOfRun = isProgress && signal.work.kind === "model_call";
  const work = isOfRun ? (signal.work.parent ?? signal.work) : signal.work;
  const isEnd = signal.what === "end";
  return [
    {
      signal: "span",
      phase: isEnd ? "end" : "start",
      isProgress,
      kind: work.kind,
      traceId: work.traceId,
      spanId: work.spanId,
      parentSpanId: work.parent?.spanId ?? "",
      startMs: sentMs(work.startMs, process),
      endMs: isEnd ? sentMs(signal.atMs, process) : 0,
      session: pseudonymOf(work.session.name),
      seq: signal.seq,
      isError: isEnd && work.isFailed,
      name: work.tool === "" ? undefined : work.tool,
      outcome: isEnd && work.isFailed ? "error" : undefined,
      errorCategory: undefined,
      channel: "webchat",
      provider: undefined,
      model: work.model === "" ? undefined : work.model,
    },
  ];
}

/** Session ends (S7), approvals (S8), claims and evidence (S9). */
export function eventRecordOf(
  signal: SenderSignal,
  process: GatewayProcess,
  pseudonymOf: PseudonymOf,
): readonly (SessionRecord | PauseRecord | ClaimRecord)[] {
  switch (signal.what) {
    case "session_end":
      return [
        {
          signal: "session",
          event: "session.end",
          session: pseudonymOf(signal.over.session.name),
          seq: signal.seq,
          atMs: sentMs(signal.atMs, process),
        },
      ];
    case "pause":
    case "resume": {
      const { tool, id } = signal.pause;
      return [
        {
          signal: "pause",
          event: signal.what === "pause" ? "gen_ai.agent.paused" : "gen_ai.agent.resumed",
          pause: id,
          session: pseudonymOf(tool.session.name),
          ...idsOf(tool),
          seq: signal.seq,
          atMs: sentMs(signal.atMs, process),
        },
      ];
    }
    case "state": {
      const { state, reason, session, queueDepth } = signal.state;
      const isQueued = state === "queued";
      return [
        {
          ...emptyClaim,
          event: isQueued ? "message.queued" : "session.state",
          session: pseudonymOf(session.name),
          seq: signal.seq,
          atMs: sentMs(signal.atMs, process),
          state: isQueued ? undefined : state,
          reason: isQueued ? undefined : reason,
          queueDepth,
        },
      ];
    }
    case "claim": {
      const { type, session, work, queueDepth } = signal.claim;
      return [
        {
          ...emptyClaim,
          event: claimEvents[type],
          session: pseudonymOf(session.name),
          seq: signal.seq,
          atMs: sentMs(signal.atMs, process),
          state: "processing",
          queueDepth,
          ...(work === undefined
            ? {}
            : {
                ...idsOf(work),
                activeWorkKind: workKinds[work.kind],
                toolName: work.kind === "tool" ? work.tool : undefined,
              }),
        },
      ];
    }
    default:
      return [];
  }
}

const claimEvents = {
  stalled: "session.stalled",
  stuck: "session.stuck",
  long_running: "session.long_running",
  recovery: "session.recovery.requested",
} as const;

const workKinds = {
  harness: "embedded_run",
  run: "embedded_run",
  tool: "tool_call",
  model_call: "model_call",
} as const;

const emptyClaim = {
  signal: "claim",
  traceId: "",
  spanId: "",
  state: undefined,
  reason: undefined,
  classification: undefined,
  activeWorkKind: undefined,
  toolName: undefined,
  queueDepth: undefined,
  ageMs: undefined,
  lastProgressAgeMs: undefined,
  action: undefined,
  status: undefined,
  evictedTools: undefined,
  evictedModelCalls: undefined,
} as const;

function idsOf({ traceId, spanId }: Work) {
  return { traceId, spanId };
}
