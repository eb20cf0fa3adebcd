import { otlp } from "../../otlp/proto/generated.js";
import type { RecordText, ResourceGroup } from "./envelope-text.ts";
import {
  attributeLines,
  hex,
  inlineAttributes,
  plainValue,
  printable,
  time,
  typedValue,
} from "./values-text.ts";

type LogRecord = otlp.LogRecord.$Properties;

/** Throws on bytes that are not an `ExportLogsServiceRequest`. */
export function logRecordsOf(bytes: Uint8Array): readonly ResourceGroup<LogRecord>[] {
  return otlp.ExportLogsServiceRequest.decode(bytes).resourceLogs.map((group) => ({
    resource: group.resource,
    schemaUrl: group.schemaUrl,
    scopes: (group.scopeLogs ?? []).map(({ scope, schemaUrl, logRecords }) => ({
      scope,
      schemaUrl,
      records: logRecords,
    })),
  }));
}

export const logRecordText: RecordText<LogRecord> = {
  names: { resource: "ResourceLogs", scope: "ScopeLogs", record: "LogRecord" },
  normal: (record) => [
    `${[printable(record.eventName ?? ""), plainValue(record.body)].filter(Boolean).join(" ")}${inlineAttributes(record.attributes)}`,
  ],
  detailed: (record) => [
    `ObservedTimestamp: ${time(record.observedTimeUnixNano)}`,
    `Timestamp: ${time(record.timeUnixNano)}`,
    `SeverityText: ${printable(record.severityText ?? "")}`,
    `SeverityNumber: ${severityOf(record.severityNumber ?? 0)}`,
    ...(record.eventName ? [`EventName: ${printable(record.eventName)}`] : []),
    `Body: ${typedValue(record.body)}`,
    ...attributeLines("Attributes", record.attributes),
    ...(record.droppedAttributesCount
      ? [`Dropped attributes: ${record.droppedAttributesCount}`]
      : []),
    `Trace ID: ${hex(record.traceId)}`,
    `Span ID: ${hex(record.spanId)}`,
    `Flags: ${record.flags ?? 0}`,
  ],
};

const severities = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"];

/** `Warn(13)`, `Warn2(14)`: each word has four numbers. */
function severityOf(number: number): string {
  const word = severities[Math.floor((number - 1) / 4)] ?? "Unspecified";
  const step = (number - 1) % 4;
  return `${word}${step > 0 ? step + 1 : ""}(${number})`;
}
