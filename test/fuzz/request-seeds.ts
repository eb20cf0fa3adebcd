import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Signal } from "../../src/otlp/payload.ts";
import { arbitraryMessage, encodeModel, jsonOf, requestType } from "../otlp/arbitrary-messages.ts";
import fc from "../support/fast-check.ts";
import { pathOf } from "../support/repository.ts";

export const signals = ["traces", "metrics", "logs"] as const;

const maxSeedBytes = 4096;
const recordings = ["test/testdata/openclaw", "test/testdata/senders", "test/testdata/door"];
const style = { snakeCase: false, longsAsNumbers: true, enumNames: false, upperHex: false };

/** Requests with every field of the schema, and short ones of real senders. The same each time. */
export function protobufSeeds(signal: Signal): readonly Uint8Array[] {
  const type = requestType(signal);
  return [
    ...models(signal).map((model) => Uint8Array.from(encodeModel(type, model))),
    ...recorded(`${signal}.bin`),
  ];
}

export function jsonSeeds(signal: Signal): readonly Uint8Array[] {
  const type = requestType(signal);
  const written = models(signal).map((model) => Buffer.from(jsonOf(type, model, style)));
  return [...written, ...recorded(".json")].filter(({ length }) => length <= maxSeedBytes);
}

function models(signal: Signal) {
  return fc.sample(arbitraryMessage(requestType(signal)), { numRuns: 60, seed: 1 });
}

/** A few short bodies of each folder. */
function recorded(ending: string): readonly Uint8Array[] {
  return recordings.flatMap((folder) => {
    const files = readdirSync(pathOf(folder), { recursive: true, encoding: "utf8" }).toSorted();
    return files
      .filter((file) => file.endsWith(ending))
      .map((file) => readFileSync(join(pathOf(folder), file)))
      .filter(({ length }) => length <= maxSeedBytes)
      .slice(0, 20);
  });
}

const texts = [
  "service.name",
  "service.instance.id",
  "session.id",
  "gen_ai.tool.call.id",
  "gen_ai.operation.name",
  "execute_tool",
  "invoke_agent",
  "chat",
  "process.pid",
  "entity.state",
  "entity.delete",
  "otel.entity.type",
  "partial.event",
  "partial.body",
  "partial.frequency",
  "logfire.span_type",
  "pending_span",
  "openclaw.session.key",
  "agent:main:x",
  "blocked_on_user",
];

/** Starts of fields, lengths and ids as they are on the wire, and keys that something looks for. */
export const protobufWords: readonly (string | Uint8Array)[] = [
  ...texts,
  ...texts.map((text) => Buffer.concat([Uint8Array.of(0x0a, text.length), Buffer.from(text)])),
  ...[
    0x08, 0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x32, 0x38, 0x39, 0x3a, 0x41, 0x42, 0x4a, 0x5a, 0x62, 0x6a,
  ].map((tag) => Uint8Array.of(tag, 0x02, 0x0a, 0x00)),
  Uint8Array.of(0x0a, 0x10, ...new Uint8Array(16).fill(7)),
  Uint8Array.of(0x12, 0x08, ...new Uint8Array(8).fill(7)),
  Uint8Array.of(0x0a, 0x10, ...new Uint8Array(16)),
  Uint8Array.of(0x0b, 0x0c), // a group
  Uint8Array.of(0x0b),
  Uint8Array.of(0x0c),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
  Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
  Uint8Array.of(0xed, 0xa0, 0x80), // half of a surrogate pair
  Uint8Array.of(0xc0, 0x80),
];

export const jsonWords: readonly string[] = [
  ...["resourceSpans", "scopeSpans", "spans", "resourceLogs", "scopeLogs", "logRecords"].map(
    jsonList,
  ),
  ...["resourceMetrics", "scopeMetrics", "metrics", "dataPoints", "attributes", "links"].map(
    jsonList,
  ),
  ...["scope_spans", "resource_spans", "events", "bucketCounts", "quantileValues"].map(jsonList),
  '{"key":"a","value":{"stringValue":"\\ud83d"}}',
  '{"key":"b","value":{"intValue":"9223372036854775808"}}',
  '{"arrayValue":{"values":[{"kvlistValue":{"values":[]}}]}}',
  '"traceId":"00000000000000000000000000000000"',
  '"spanId":"0102030405060708"',
  '"__proto__":{}',
  '"\\u0000',
  "\\u00e9",
  "\\ud800",
  "null",
  "true",
  "[]",
  "{}",
  "[[",
  "{{",
  ",",
  ":",
  '"',
  "1e400",
  "-0",
  "1.5e3",
  "123456789012345678901234567890",
  "\ufeff",
];

function jsonList(name: string): string {
  return `"${name}":[{`;
}
