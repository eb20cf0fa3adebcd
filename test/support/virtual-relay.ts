import { parseAgentEvent } from "../../openclaw-plugin/src/agent-event.ts";
import { parseDiagnosticEvent, parseHook } from "../../openclaw-plugin/src/gateway-event.ts";
import { heartbeatSeconds, OtlpEncoder } from "../../openclaw-plugin/src/otlp.ts";
import { parseRecording } from "../../openclaw-plugin/src/recording.ts";
import type { RelayRecord, SpanRecord } from "../../openclaw-plugin/src/relay-record.ts";
import { createMap } from "../openclaw-plugin/golden.ts";
import type { VirtualCollector } from "./virtual-collector.ts";

const resource = {
  serviceName: "openclaw",
  serviceVersion: "1",
  serviceInstanceId: "3f1c1c1e-0000-4000-8000-000000000001",
  hostName: "gateway",
  hostId: "host",
  processPid: 7,
};

/** When the first event of a recording happened, in Unix ms. */
export function startOf(recording: string): number {
  return JSON.parse(recording.slice(0, recording.indexOf("\n"))).event.ts;
}

/**
 * What the relay sends of a recording, handed to a collector at the pace of the recording, with a heartbeat every 10 s until
 * `untilMs`. After every second `sample` is called.
 */
export async function relayTo(
  collector: VirtualCollector,
  recording: string,
  untilMs: number,
  sample: (atSeconds: number) => Promise<void> = async () => {},
): Promise<void> {
  const startUnixMs = startOf(recording);
  const map = createMap();
  const encoder = new OtlpEncoder(resource);
  const entries = [...parseRecording(recording)];
  let nowMs = 0;

  async function send(records: readonly RelayRecord[]): Promise<void> {
    const spans = records.filter((record): record is SpanRecord => record.signal === "span");
    const others = records.filter((record) => record.signal !== "span");
    if (spans.length > 0) {
      await collector.consume("traces", encoder.traces(spans));
    }
    if (others.length > 0) {
      await collector.consume("logs", encoder.logs(others));
    }
  }

  for (let second = 0; second * 1000 <= untilMs; second++) {
    while (entries[0] !== undefined && entries[0].offsetMs < (second + 1) * 1000) {
      const entry = entries.shift()!;
      nowMs = Math.max(nowMs, entry.offsetMs);
      await collector.advanceTo(nowMs);
      const parsed: (
        | ReturnType<typeof parseHook>
        | ReturnType<typeof parseDiagnosticEvent>
        | ReturnType<typeof parseAgentEvent>
      )[] = [];
      entry.feed({
        event: (event, metadata) => parsed.push(parseDiagnosticEvent(event, metadata, nowMs)),
        agentEvent: (event) => parsed.push(parseAgentEvent(event, nowMs)),
        hook: (name, event, context) =>
          parsed.push(parseHook({ name, event, context }, startUnixMs + nowMs)),
      });
      for (const event of parsed) {
        await send(event === undefined ? [] : map.apply(event));
      }
    }
    nowMs = (second + 1) * 1000;
    await collector.advanceTo(nowMs);
    if (second % heartbeatSeconds === 0) {
      const alive = { signal: "process", event: "entity.state", lost: 0 } as const;
      await collector.consume("logs", encoder.logs([{ ...alive, atMs: startUnixMs + nowMs }]));
    }
    await sample(second + 1);
  }
}
