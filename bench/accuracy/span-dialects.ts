import type { otlp } from "../../src/otlp/proto/generated.js";
import { type Dialect, namesSessions, type Request, type SenderSignal } from "./sender-dialect.ts";
import {
  type Items,
  integer,
  logsRequest,
  nanosOf,
  type Span,
  spanOf,
  text,
  tracesRequest,
} from "./spans.ts";
import {
  type GatewayProcess,
  isOrphan,
  ownerOf,
  type Pause,
  type Story,
  type Work,
} from "./story.ts";

/** S1: every span as it starts and as it ends, and waits for a person. */
export function createLiveDialect(): Dialect {
  return {
    beatMs: 0,
    aliveMs: ({ beatMs }) => beatMs,
    resendsOpenWork: false,
    reportsClosedOrphans: true,
    channelsOf(signal, process) {
      switch (signal.what) {
        case "start":
          return ["starts"];
        case "end":
          return ["ends"];
        case "alive":
        case "gone":
          return process.beatMs > 0 ? ["life"] : [];
        case "session_end":
          return namesSessions("live", process) ? ["logs"] : [];
        case "pause":
        case "resume":
          return namesSessions("live", process) ? ["logs"] : ["starts"];
        default:
          return [];
      }
    },
    encode(signals, process, channel): readonly Request[] {
      if (channel === "logs" || channel === "life") {
        return [eventsRequest(signals, process)];
      }
      return [
        tracesRequest(
          signals.flatMap((each) => liveSpans(each)),
          process,
        ),
      ];
    },
  };
}

/** What an SDK exports by itself: spans that have ended, and in them what else was open or requested. */
export function createPlainDialect(story: Story): Dialect {
  const requestedBy = groupBy(story.works, ({ requestedBy: call }) => call);
  const ofTurn = groupBy(story.works, (work) => (work.kind === "tool" ? ownerOf(work) : undefined));
  return {
    beatMs: 0,
    aliveMs: ({ beatMs }) => beatMs,
    resendsOpenWork: false,
    reportsClosedOrphans: true,
    channelsOf(signal, process) {
      switch (signal.what) {
        case "end":
          return ["ends"];
        case "alive":
        case "gone":
          return process.beatMs > 0 ? ["life"] : [];
        case "session_end":
          return namesSessions("plain", process) ? ["logs"] : [];
        default:
          return [];
      }
    },
    encode: (signals, process, channel) => [
      channel !== "ends"
        ? eventsRequest(signals, process)
        : tracesRequest(
            signals.flatMap((each) =>
              each.what === "end"
                ? [
                    spanOf(each.work, "plain", {
                      endedMs: each.atMs,
                      requested: requestedBy.get(each.work) ?? [],
                      ...(each.work.kind === "harness"
                        ? { items: itemsAt(each.atMs, ofTurn.get(each.work) ?? []) }
                        : {}),
                    }),
                  ]
                : [],
            ),
            process,
          ),
    ],
  };
}

function eventsRequest(signals: readonly SenderSignal[], process: GatewayProcess): Request {
  return logsRequest(
    signals.flatMap((each) => [
      ...pauseEvents(each, process),
      ...sessionEndOf(each, process),
      ...entityEvents(each, process),
    ]),
    process,
  );
}

/** S7, as the conventions of sessions have it. */
export function sessionEndOf(
  signal: SenderSignal,
  process: GatewayProcess,
): readonly otlp.LogRecord.$Properties[] {
  return signal.what === "session_end"
    ? [
        {
          eventName: "session.end",
          timeUnixNano: nanosOf(signal.atMs, process),
          attributes: [text("session.id", signal.over.session.name)],
        },
      ]
    : [];
}

/** S6: the process lives and promises heartbeats, or stops. */
function entityEvents(
  signal: SenderSignal,
  process: GatewayProcess,
): readonly otlp.LogRecord.$Properties[] {
  return signal.what === "alive" || signal.what === "gone"
    ? [
        {
          eventName: signal.what === "alive" ? "entity.state" : "entity.delete",
          timeUnixNano: nanosOf(signal.atMs, process),
          attributes: [
            text("entity.type", "service.instance"),
            integer("entity.report.interval", process.beatMs / 1_000),
          ],
        },
      ]
    : [];
}

/** Tools that were open when their harness run ended, and those that were not. */
function itemsAt(atMs: number, tools: readonly Work[]): Items {
  const active = tools.filter((tool) => isOrphan(tool) || tool.endMs > atMs).length;
  return { active, completed: tools.length - active };
}

function groupBy<Key>(
  works: readonly Work[],
  keyOf: (work: Work) => Key | undefined,
): ReadonlyMap<Key, readonly Work[]> {
  const groups = new Map<Key, Work[]>();
  for (const work of works) {
    const key = keyOf(work);
    if (key !== undefined) {
      const group = groups.get(key) ?? [];
      group.push(work);
      groups.set(key, group);
    }
  }
  return groups;
}

function liveSpans(signal: SenderSignal): readonly Span[] {
  switch (signal.what) {
    case "start":
    case "beat":
      return [spanOf(signal.work, "live", {})];
    case "end":
      return [spanOf(signal.work, "live", { endedMs: signal.atMs })];
    case "pause":
      return [waitSpan(signal.pause, undefined)];
    case "resume":
      return [waitSpan(signal.pause, signal.atMs)];
    default:
      return [];
  }
}

/** As Claude Code has it: a span below the tool, open while the tool waits. */
function waitSpan({ tool, id, fromMs }: Pause, endedMs: number | undefined): Span {
  return {
    traceId: Buffer.from(tool.traceId, "hex"),
    spanId: Buffer.from(id, "hex"),
    parentSpanId: Buffer.from(tool.spanId, "hex"),
    name: "claude_code.tool.blocked_on_user",
    startTimeUnixNano: nanosOf(fromMs, tool.process),
    ...(endedMs === undefined ? {} : { endTimeUnixNano: nanosOf(endedMs, tool.process) }),
  };
}

/** As the GenAI conventions have it. */
function pauseEvents(
  signal: SenderSignal,
  process: GatewayProcess,
): readonly otlp.LogRecord.$Properties[] {
  if (signal.what !== "pause" && signal.what !== "resume") {
    return [];
  }
  const { tool, id } = signal.pause;
  return [
    {
      eventName: signal.what === "pause" ? "gen_ai.agent.paused" : "gen_ai.agent.resumed",
      timeUnixNano: nanosOf(signal.atMs, process),
      attributes: [
        text("gen_ai.conversation.id", tool.session.name),
        text("gen_ai.agent.pause.id", id),
      ],
    },
  ];
}
