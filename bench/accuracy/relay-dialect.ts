import { createHash } from "node:crypto";
import type { SpanRecord } from "../../openclaw-plugin/src/activity-record.ts";
import { OtlpEncoder } from "../../openclaw-plugin/src/otlp.ts";
import type { GatewayProcess } from "./story.ts";
import { type Dialect, type Request, sentMs, type Told } from "./telling.ts";

/** S0, in the very bytes that the plugin for OpenClaw makes. */
export function createRelayDialect(): Dialect {
  const encoders = new Map<GatewayProcess, OtlpEncoder>();
  const encoderOf = (process: GatewayProcess) => {
    const known =
      encoders.get(process) ??
      new OtlpEncoder({
        serviceName: "openclaw",
        serviceVersion: "2026.9.6",
        serviceInstanceId: process.instance,
        hostName: process.host,
        hostId: process.host,
        processPid: process.pid,
      });
    encoders.set(process, known);
    return known;
  };
  return {
    beatMs: 0,
    aliveMs: 10_000,
    tellsAgain: true,
    tellsClosed: false,
    channelsOf: (told) =>
      "work" in told ? ["starts"] : told.what === "alive" || told.what === "gone" ? ["life"] : [],
    encode(told, process): readonly Request[] {
      const spans = told.flatMap((each) => recordOf(each, process));
      const life = told.flatMap((each) =>
        each.what === "alive" || each.what === "gone"
          ? [
              {
                signal: "process" as const,
                event:
                  each.what === "alive" ? ("entity.state" as const) : ("entity.delete" as const),
                atMs: sentMs(each.atMs, process),
                lost: 0,
              },
            ]
          : [],
      );
      const encoder = encoderOf(process);
      return [
        ...(spans.length > 0
          ? [{ signal: "traces" as const, bytes: encoder.traces(spans), items: spans.length }]
          : []),
        ...(life.length > 0
          ? [{ signal: "logs" as const, bytes: encoder.logs(life), items: life.length }]
          : []),
      ];
    },
  };
}

function recordOf(told: Told, process: GatewayProcess): readonly SpanRecord[] {
  if (!("work" in told)) {
    return [];
  }
  const { work } = told;
  const isEnd = told.what === "end";
  return [
    {
      signal: "span",
      phase: isEnd ? "end" : "start",
      kind: work.kind,
      traceId: work.traceId,
      spanId: work.spanId,
      parentSpanId: work.parent?.spanId ?? "",
      startMs: sentMs(work.startMs, process),
      endMs: isEnd ? sentMs(told.atMs, process) : 0,
      session: pseudonymOf(work.session.name),
      seq: told.seq,
      isError: false,
      name: work.tool === "" ? undefined : work.tool,
      outcome: undefined,
      errorCategory: undefined,
      channel: "webchat",
      provider: undefined,
      model: undefined,
    },
  ];
}

function pseudonymOf(session: string): string {
  return createHash("sha256").update(session).digest("hex").slice(0, 32);
}
