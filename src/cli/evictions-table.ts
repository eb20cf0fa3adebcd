import { otlp } from "../otlp/proto/generated.js";

/** One `session.activity.evicted` event, without anything that could identify a session. */
export interface Eviction {
  /** When it was decided, in milliseconds since the first recorded request. */
  readonly atMs: number;
  readonly reason: string;
  readonly confidence: string;
  readonly tools: number;
  readonly modelCalls: number;
  /** Empty when the event names none. */
  readonly toolName: string;
  readonly oldestAgeMs: number | undefined;
}

/** The evictions in an `ExportLogsServiceRequest`; other records are skipped. Throws on other bytes. */
export function evictionsIn(bytes: Uint8Array, startUnixMs: number): readonly Eviction[] {
  return otlp.ExportLogsServiceRequest.decode(bytes)
    .resourceLogs.flatMap(({ scopeLogs }) => scopeLogs ?? [])
    .flatMap(({ logRecords }) => logRecords ?? [])
    .filter(({ eventName }) => eventName === "session.activity.evicted")
    .map((record) => {
      const attributes = new Map(
        (record.attributes ?? []).map(({ key, value }) => [key ?? "", value ?? undefined]),
      );
      const text = (key: string) => attributes.get(key)?.stringValue ?? "";
      const number = (key: string) => {
        const value = attributes.get(key);
        const written = value?.intValue ?? value?.doubleValue;
        return written === undefined || written === null ? undefined : Number(written);
      };
      return {
        atMs: Number(record.timeUnixNano ?? 0) / 1e6 - startUnixMs,
        reason: text("openclaw.reason"),
        confidence: text("openclaw.confidence"),
        tools: number("openclaw.evictedTools") ?? 0,
        modelCalls: number("openclaw.evictedModelCalls") ?? 0,
        toolName: text("gen_ai.tool.name"),
        oldestAgeMs: number("openclaw.oldestAgeMs"),
      };
    });
}

/** A table for the terminal, one line per eviction and a sum. */
export function evictionsTable(evictions: readonly Eviction[]): string {
  if (evictions.length === 0) {
    return "Nothing was evicted.\n";
  }
  const rows = evictions.map((each) => [
    `+${seconds(each.atMs)}`,
    each.reason,
    each.confidence,
    String(each.tools),
    String(each.modelCalls),
    each.toolName === "" ? "-" : each.toolName,
    each.oldestAgeMs === undefined ? "-" : seconds(each.oldestAgeMs),
  ]);
  const header = ["TIME", "REASON", "CONFIDENCE", "TOOLS", "MODEL CALLS", "TOOL", "AGE"];
  const markers = evictions.reduce((sum, { tools, modelCalls }) => sum + tools + modelCalls, 0);
  const words = `${markers} ${markers === 1 ? "marker" : "markers"} evicted`;
  return `${aligned([header, ...rows])}\n${words}\n`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)}s`;
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}
