import { createHash } from "node:crypto";
import { OtlpEncoder, type ProcessRecord } from "../../openclaw-plugin/src/otlp.ts";
import { eventRecordOf, spanRecordOf } from "./relay-records.ts";
import { type Dialect, type Request, type SenderSignal, sentMs } from "./sender-dialect.ts";
import type { GatewayProcess } from "./story.ts";

/**
 * The record by which a relay that is switched off reports that it no longer watches its process; undefined where the plugin
 * sends none.
 */
export const unwatchedEvent = "openclaw.activity.unwatched" satisfies ProcessRecord["event"];

/** S0, S8 and S9 in the very bytes that the plugin for OpenClaw makes. */
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
    aliveMs: () => 10_000,
    resendsOpenWork: true,
    reportsClosedOrphans: false,
    // One queue holds spans and log records, so that they come in order.
    channelsOf: (signal) => (processEventOf(signal) === undefined ? ["starts"] : ["life"]),
    encode(signals, process): readonly Request[] {
      const spans = signals.flatMap((each) => spanRecordOf(each, process, pseudonymOf));
      const events = signals.flatMap((each) => eventRecordOf(each, process, pseudonymOf));
      const life = signals.flatMap((each) => {
        const event = processEventOf(each);
        const atMs = sentMs(each.atMs, process);
        return event === undefined ? [] : [{ signal: "process" as const, event, atMs, lost: 0 }];
      });
      const encoder = encoderOf(process);
      return [
        ...(spans.length > 0
          ? [{ signal: "traces" as const, bytes: encoder.traces(spans), items: spans.length }]
          : []),
        ...(events.length > 0
          ? [{ signal: "logs" as const, bytes: encoder.logs(events), items: events.length }]
          : []),
        ...(life.length > 0
          ? [{ signal: "logs" as const, bytes: encoder.logs(life), items: life.length }]
          : []),
      ];
    },
  };
}

function processEventOf({ what }: SenderSignal): ProcessRecord["event"] | undefined {
  switch (what) {
    case "alive":
      return "entity.state";
    case "gone":
      return "entity.delete";
    case "unwatched":
      return unwatchedEvent;
    default:
      return undefined;
  }
}

function pseudonymOf(session: string): string {
  return createHash("sha256").update(session).digest("hex").slice(0, 32);
}
