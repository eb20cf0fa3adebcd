import protobuf from "protobufjs/minimal.js";
import type { Payload, Signal } from "../../otlp/payload.ts";

/** The events of this program itself, a closed list. Basic verbosity shows only their names. */
const ownEvents: ReadonlySet<string> = new Set([
  "session.activity.evicted",
  "session.activity.reconciled",
  "session.stalled",
  "session.recovered",
]);

/** The line of a payload at basic verbosity, in the Collector's words. */
export interface ItemCounts {
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Counts without decoding: it reads only tags and lengths. For bytes that it cannot read, the result is only the number of
 * items, which the receiver counted.
 */
export function countsOf({ signal, bytes, items }: Payload): ItemCounts {
  const message = messages[signal];
  try {
    switch (signal) {
      case "traces":
        return { message, fields: { "resource spans": walk(bytes, [1]), spans: items } };
      case "metrics":
        return {
          message,
          fields: {
            "resource metrics": walk(bytes, [1]),
            metrics: walk(bytes, [1, 2, 2]),
            "data points": items,
          },
        };
      case "logs":
        return {
          message,
          fields: {
            "resource logs": walk(bytes, [1]),
            "log records": items,
            ...ownEventsIn(bytes),
          },
        };
      default: {
        const never: never = signal;
        return never;
      }
    }
  } catch {
    return { message, fields: { items } };
  }
}

const messages: Readonly<Record<Signal, string>> = {
  traces: "Traces",
  metrics: "Metrics",
  logs: "Logs",
};

/** Counts this program's own events, so that an operator sees them without the verbosity that shows ids. */
function ownEventsIn(bytes: Uint8Array): { readonly events?: Readonly<Record<string, number>> } {
  const events = new Map<string, number>();
  // resource_logs, scope_logs, log_records, event_name
  walk(bytes, [1, 2, 2, 12], (field) => {
    const name = Buffer.from(field.buffer, field.byteOffset, field.byteLength).toString();
    if (ownEvents.has(name)) {
      events.set(name, (events.get(name) ?? 0) + 1);
    }
  });
  return events.size === 0 ? {} : { events: Object.fromEntries(events) };
}

/** Visits every length-delimited field at `path` and returns their number. Throws on bytes that are not protobuf. */
function walk(
  bytes: Uint8Array,
  [field, ...below]: readonly number[],
  visit?: (field: Uint8Array) => void,
): number {
  const reader = protobuf.Reader.create(bytes);
  let found = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    if (tag >>> 3 !== field || wireType !== 2) {
      reader.skipType(wireType);
      continue;
    }
    const end = reader.uint32() + reader.pos;
    const start = reader.pos;
    reader.skip(end - start);
    const inside = bytes.subarray(start, end);
    if (below.length === 0) {
      found += 1;
      visit?.(inside);
    } else {
      found += walk(inside, below, visit);
    }
  }
  return found;
}
