import { envelopeTags } from "../../otlp/envelope-reader.ts";
import { tagOf, type WireReader } from "../../otlp/wire-reader.ts";

/** What the metrics below one resource have in common. */
export interface WalkedResource {
  /** The `Resource` message; parts of it that were sent one after another are joined, as protobuf merges them. */
  readonly bytes: Uint8Array;
}

export interface WalkedScope {
  /** The `InstrumentationScope` message. */
  readonly bytes: Uint8Array;
  readonly schemaUrl: string;
}

/** The members of a metric's `data`, by field number. */
const dataKinds = {
  5: "gauge",
  7: "sum",
  9: "histogram",
  10: "exponential_histogram",
  11: "summary",
} as const satisfies Record<number, string>;
export type DataKind = (typeof dataKinds)[keyof typeof dataKinds];

/** The head of a metric. */
export interface WalkedMetric {
  readonly resource: WalkedResource;
  readonly scope: WalkedScope;
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: DataKind;
  readonly temporality: "unspecified" | "delta" | "cumulative";
  readonly isMonotonic: boolean;
}

/** A step of the walk: the head of a metric, one of its data points as a message of `reader.bytes`, or a metric without data. */
export type WalkStep =
  | { readonly type: "metric"; readonly metric: WalkedMetric }
  | { readonly type: "point"; readonly start: number; readonly end: number }
  | { readonly type: "empty" };

/** Longer names and texts are read up to here; what uses them has smaller bounds. */
const maxTextBytes = 4_096;

const empty = new Uint8Array(0);
const pointTag = tagOf(1, "length");
const temporalityTag = tagOf(2, "varint");
const monotonicTag = tagOf(3, "varint");
const nameTag = tagOf(1, "length");
const descriptionTag = tagOf(2, "length");
const unitTag = tagOf(3, "length");
const schemaUrlTag = tagOf(3, "length");
const kindByTag: ReadonlyMap<number, DataKind> = new Map(
  Object.entries(dataKinds).map(([field, kind]) => [tagOf(Number(field), "length"), kind]),
);
const decoder = new TextDecoder();

/**
 * Walks over the metrics of an `ExportMetricsServiceRequest` in the order of the wire: the head of each metric, then its data points.
 * Keeps nothing but positions, so a walk over a huge request costs no memory. Work between two steps is bounded by one metric's
 * head, so that a caller can pause between them. Unreadable bytes end the message that contains them.
 */
export function* walkMetrics(reader: WireReader): Generator<WalkStep> {
  yield* fields(reader, 0, reader.bytes.length, envelopeTags.resourcePart, resourcePart);
}

/** `text` of the bytes, at most {@link maxTextBytes} of them. What is not UTF-8 becomes U+FFFD. */
export function textAt(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, Math.min(end, start + maxTextBytes)));
}

function* resourcePart(reader: WireReader, start: number, end: number): Generator<WalkStep> {
  const resource = { bytes: joined(reader, start, end, envelopeTags.resource) };
  yield* fields(reader, start, end, envelopeTags.scopePart, (_, from, to) =>
    scopePart(reader, from, to, resource),
  );
}

function* scopePart(
  reader: WireReader,
  start: number,
  end: number,
  resource: WalkedResource,
): Generator<WalkStep> {
  let schemaUrl = "";
  eachField(reader, start, end, schemaUrlTag, (from, to) => {
    schemaUrl = textAt(reader.bytes, from, to);
  });
  const scope = { bytes: joined(reader, start, end, envelopeTags.scope), schemaUrl };
  yield* fields(reader, start, end, envelopeTags.record, (_, from, to) =>
    metricPart(reader, from, to, { resource, scope }),
  );
}

function* metricPart(
  reader: WireReader,
  start: number,
  end: number,
  around: { readonly resource: WalkedResource; readonly scope: WalkedScope },
): Generator<WalkStep> {
  const head = { name: "", description: "", unit: "" };
  // Of different members of `data` the last one applies; parts of the same one are merged.
  let dataTag = 0;
  let dataStart = start;
  reader.position = start;
  while (reader.position < end) {
    const at = reader.position;
    const tag = reader.tag(end);
    if ((tag & 7) !== 2) {
      if (!reader.skip(tag, end)) {
        break;
      }
      continue;
    }
    const stop = reader.length(end);
    if (stop < 0) {
      break;
    }
    if (tag === nameTag) {
      head.name = textAt(reader.bytes, reader.position, stop);
    } else if (tag === descriptionTag) {
      head.description = textAt(reader.bytes, reader.position, stop);
    } else if (tag === unitTag) {
      head.unit = textAt(reader.bytes, reader.position, stop);
    } else if (kindByTag.has(tag) && tag !== dataTag) {
      dataTag = tag;
      dataStart = at;
    }
    reader.position = stop;
  }
  const kind = kindByTag.get(dataTag);
  if (kind === undefined) {
    yield { type: "empty" };
    return;
  }
  yield {
    type: "metric",
    metric: { ...around, ...head, kind, ...factsOf(reader, dataStart, end, dataTag) },
  };
  yield* fields(reader, dataStart, end, dataTag, (_, from, to) =>
    fields(reader, from, to, pointTag, pointStep),
  );
}

function* pointStep(_: WireReader, start: number, end: number): Generator<WalkStep> {
  yield { type: "point", start, end };
}

function factsOf(
  reader: WireReader,
  start: number,
  end: number,
  dataTag: number,
): Pick<WalkedMetric, "temporality" | "isMonotonic"> {
  let temporality: WalkedMetric["temporality"] = "unspecified";
  let isMonotonic = false;
  eachField(reader, start, end, dataTag, (from, to) => {
    reader.position = from;
    while (reader.position < to) {
      const tag = reader.tag(to);
      if (tag === temporalityTag || tag === monotonicTag) {
        if (!reader.varint64(to)) {
          return;
        }
        if (tag === monotonicTag) {
          isMonotonic = (reader.lo | reader.hi) !== 0;
        } else {
          temporality = reader.lo === 1 ? "delta" : reader.lo === 2 ? "cumulative" : "unspecified";
        }
      } else if (!reader.skip(tag, to)) {
        return;
      }
    }
  });
  return { temporality, isMonotonic };
}

/** Steps into each field of that tag. The position is restored afterwards, so `into` may move it. */
function* fields(
  reader: WireReader,
  start: number,
  end: number,
  wanted: number,
  into: (reader: WireReader, start: number, end: number) => Generator<WalkStep>,
): Generator<WalkStep> {
  let at = start;
  while (at < end) {
    reader.position = at;
    const tag = reader.tag(end);
    if (tag === wanted) {
      const stop = reader.length(end);
      if (stop < 0) {
        return;
      }
      at = stop;
      yield* into(reader, reader.position, stop);
    } else if (reader.skip(tag, end)) {
      at = reader.position;
    } else {
      return;
    }
  }
}

function eachField(
  reader: WireReader,
  start: number,
  end: number,
  wanted: number,
  visit: (start: number, end: number) => void,
): void {
  let at = start;
  while (at < end) {
    reader.position = at;
    const tag = reader.tag(end);
    if (tag === wanted) {
      const stop = reader.length(end);
      if (stop < 0) {
        return;
      }
      at = stop;
      visit(reader.position, stop);
    } else if (reader.skip(tag, end)) {
      at = reader.position;
    } else {
      return;
    }
  }
}

/** The messages of that field as one, which is how protobuf merges them. Usually there is one, which is not copied. */
function joined(reader: WireReader, start: number, end: number, wanted: number): Uint8Array {
  let all: Uint8Array = empty;
  let pieces = 0;
  eachField(reader, start, end, wanted, (from, to) => {
    pieces += 1;
    // Real senders write one. More than a few would make this quadratic.
    if (pieces <= 8) {
      const piece = reader.bytes.subarray(from, to);
      all = all.length === 0 ? piece : Buffer.concat([all, piece]);
    }
  });
  return all;
}
