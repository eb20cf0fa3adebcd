import type { Dialect, SenderSignal } from "./sender-dialect.ts";
import { sessionEndOf } from "./span-dialects.ts";
import { logsRequest, nanosOf, spanOf, text, tracesData, tracesRequest } from "./spans.ts";
import type { GatewayProcess } from "./story.ts";

const beatMs = 20_000;

/**
 * S4, as the partial-span processor of G-Research has it: a log record with the span in its body as it starts and
 * every `beatMs`, another one as it stops, and the finished span as ever.
 */
export function createPartialLogDialect(): Dialect {
  return {
    beatMs,
    aliveMs: () => 0,
    resendsOpenWork: false,
    reportsClosedOrphans: false,
    channelsOf(signal) {
      switch (signal.what) {
        case "start":
        case "beat":
          return ["logs"];
        case "end":
          return ["logs", "ends"];
        case "session_end":
          return ["logs"];
        default:
          return [];
      }
    },
    encode(signals, process, channel) {
      return channel === "logs"
        ? [
            logsRequest(
              signals.flatMap((each) => [
                ...recordOf(each, process),
                ...sessionEndOf(each, process),
              ]),
              process,
            ),
          ]
        : [
            tracesRequest(
              signals.flatMap((each) =>
                each.what === "end"
                  ? [spanOf(each.work, "partial_logs", { endedMs: each.atMs })]
                  : [],
              ),
              process,
            ),
          ];
    },
  };
}

function recordOf(signal: SenderSignal, process: GatewayProcess) {
  if (!("work" in signal)) {
    return [];
  }
  const isEnd = signal.what === "end";
  const span = spanOf(signal.work, "partial_logs", isEnd ? { endedMs: signal.atMs } : {});
  return [
    {
      timeUnixNano: nanosOf(signal.atMs, process),
      body: { stringValue: Buffer.from(tracesData([span], process)).toString("base64") },
      attributes: [
        text("partial.event", isEnd ? "stop" : "heartbeat"),
        ...(isEnd ? [] : [text("partial.frequency", `${beatMs}ms`)]),
      ],
    },
  ];
}
