import { sessionEndOf } from "./span-dialects.ts";
import { logsRequest, nanosOf, spanOf, text, tracesData, tracesRequest } from "./spans.ts";
import type { GatewayProcess } from "./story.ts";
import type { Dialect, Told } from "./telling.ts";

const beatMs = 20_000;

/**
 * S4, as the partial-span processor of G-Research has it: a log record with the span in its body as it starts and
 * every `beatMs`, another one as it stops, and the finished span as ever.
 */
export function createPartialLogDialect(): Dialect {
  return {
    beatMs,
    aliveMs: () => 0,
    tellsAgain: false,
    tellsClosed: false,
    channelsOf(told) {
      switch (told.what) {
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
    encode(told, process, channel) {
      return channel === "logs"
        ? [
            logsRequest(
              told.flatMap((each) => [...recordOf(each, process), ...sessionEndOf(each, process)]),
              process,
            ),
          ]
        : [
            tracesRequest(
              told.flatMap((each) =>
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

function recordOf(told: Told, process: GatewayProcess) {
  if (!("work" in told)) {
    return [];
  }
  const isEnd = told.what === "end";
  const span = spanOf(told.work, "partial_logs", isEnd ? { endedMs: told.atMs } : {});
  return [
    {
      timeUnixNano: nanosOf(told.atMs, process),
      body: { stringValue: Buffer.from(tracesData([span], process)).toString("base64") },
      attributes: [
        text("partial.event", isEnd ? "stop" : "heartbeat"),
        ...(isEnd ? [] : [text("partial.frequency", `${beatMs}ms`)]),
      ],
    },
  ];
}
