import { ActivityMap } from "../../openclaw-plugin/src/activity-map.ts";
import { parseAgentEvent } from "../../openclaw-plugin/src/agent-event.ts";
import { parseDiagnosticEvent, parseHook } from "../../openclaw-plugin/src/gateway-event.ts";
import { createPseudonyms } from "../../openclaw-plugin/src/pseudonyms.ts";
import type { ClaimRecord, RelayRecord } from "../../openclaw-plugin/src/relay-record.ts";

export const testKey = Buffer.alloc(32, 7);

export function createMap(limits: { maxOpen?: number; maxRuns?: number } = {}): ActivityMap {
  return new ActivityMap({ pseudonyms: createPseudonyms(testKey), ...limits });
}

/** What the mapping makes of each line of a recording. */
export function recordsOf(recording: string, map = createMap()): readonly RelayRecord[][] {
  return recording
    .trim()
    .split("\n")
    .map((line) => {
      const { hook, event, agentEvent, metadata, context } = JSON.parse(line);
      const parsed =
        hook !== undefined
          ? parseHook({ name: hook, event, context }, 0)
          : agentEvent !== undefined
            ? parseAgentEvent(agentEvent, agentEvent.ts)
            : parseDiagnosticEvent(event, metadata, event?.ts);
      return parsed === undefined ? [] : [...map.apply(parsed)];
    });
}

/**
 * Records as text a person can check: one a line behind the number of the line that caused it, ids replaced by names
 * in order of appearance (trace `T1`, session `S1`, harness runs `H1`, runs `R1`, tools `t1`, model calls `m1`,
 * approvals `P1`).
 */
export function drawn(recordsByLine: readonly (readonly RelayRecord[])[], firstMs: number): string {
  const nameOf = namer();
  const letters = { harness: "H", run: "R", tool: "t", model_call: "m" } as const;
  const lines: string[] = [];
  for (const [at, records] of recordsByLine.entries()) {
    for (const record of records) {
      const session = record.session === undefined ? "nobody" : nameOf("S", record.session);
      if (record.signal !== "span") {
        const names =
          record.signal === "session" || record.spanId === ""
            ? ""
            : ` names ${nameOf("?", record.spanId)} in ${nameOf("T", record.traceId)}`;
        const details =
          record.signal === "pause"
            ? ` ${nameOf("P", record.pause)}`
            : record.signal === "claim"
              ? fieldsOf(record)
              : "";
        lines.push(`${at + 1}\t${record.event}\t${session}${details}${names} seq=${record.seq}`);
        continue;
      }
      const span = nameOf(letters[record.kind], record.spanId);
      const parent =
        record.parentSpanId === "" ? "root" : `below ${nameOf("?", record.parentSpanId)}`;
      const time =
        record.phase === "start"
          ? `${record.startMs - firstMs}..`
          : `${record.startMs - firstMs}..${record.endMs - firstMs}`;
      const details = (
        ["name", "outcome", "errorCategory", "channel", "provider", "model"] as const
      )
        .filter((key) => record[key] !== undefined)
        .map((key) => ` ${key}=${record[key]}`)
        .join("");
      lines.push(
        `${at + 1}\t${record.isProgress ? "progress" : record.phase}\t${span} ${parent} in ${nameOf("T", record.traceId)} of ${session} ${time} seq=${record.seq}${details}${record.isError ? " ERROR" : ""}`,
      );
    }
  }
  return `${lines.join("\n")}\n`;
}

function fieldsOf(record: ClaimRecord): string {
  return (
    [
      "state",
      "reason",
      "classification",
      "activeWorkKind",
      "toolName",
      "queueDepth",
      "ageMs",
      "lastProgressAgeMs",
      "action",
      "status",
      "evictedTools",
      "evictedModelCalls",
    ] as const
  )
    .filter((key) => record[key] !== undefined)
    .map((key) => ` ${key}=${record[key]}`)
    .join("");
}

function namer(): (letter: string, id: string) => string {
  const names = new Map<string, string>();
  const counts = new Map<string, number>();
  return (letter, id) => {
    const known = names.get(id);
    if (known !== undefined) {
      return known;
    }
    const count = (counts.get(letter) ?? 0) + 1;
    counts.set(letter, count);
    names.set(id, `${letter}${count}`);
    return `${letter}${count}`;
  };
}
