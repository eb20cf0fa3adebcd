import type { Signal } from "../../otlp/payload.ts";
import { tagOf } from "../../otlp/wire-reader.ts";
import { placeIndex } from "./redaction-places.ts";

/** A field of a message that has something to redact, in it or below it. */
export type WalkedField =
  | { readonly kind: "message"; readonly message: WalkedMessage }
  | WalkedContent;

/** A field that is redacted itself. */
export type WalkedContent =
  | { readonly kind: "attribute"; readonly place: number }
  | { readonly kind: "text"; readonly place: number }
  | { readonly kind: "body"; readonly place: number };

/** A message by the tags of its walked fields, all of which have a length. Every other field is skipped. */
export interface WalkedMessage {
  readonly byTag: readonly (WalkedField | undefined)[];
  /** The tag of its name, if its name decides what its attributes are. */
  readonly nameTag?: number;
  /** Set of log records, whose name may be an attribute, too. */
  readonly isLog?: true;
  /** Set of the messages around the records (spans, log records, metrics): a request is walked in steps of what is in these. */
  readonly isEnvelope?: true;
  /** Whether the Collector's processor adds a summary to its attributes, and the tag of these. */
  readonly summaryTag?: number;
}

type Fields = Readonly<Record<number, WalkedField>>;

const text = (place: keyof typeof placeIndex): WalkedField => ({
  kind: "text",
  place: placeIndex[place],
});
const attribute = (place: keyof typeof placeIndex): WalkedField => ({
  kind: "attribute",
  place: placeIndex[place],
});
const message = (
  fields: Fields,
  rest: Omit<WalkedMessage, "byTag"> = {},
): Extract<WalkedField, { readonly kind: "message" }> => ({
  kind: "message",
  message: { byTag: byTag(fields), ...rest },
});

const summaryIn = (field: number) => ({ summaryTag: tagOf(field, "length") });

const resource = message({ 1: attribute("resource") }, summaryIn(1));
const scope = message(
  { 1: text("scope.name"), 2: text("scope.version"), 3: attribute("scope") },
  summaryIn(3),
);
const exemplar = message({ 7: attribute("exemplar") });
const numberPoint = message({ 5: exemplar, 7: attribute("datapoint") }, summaryIn(7));
const histogramPoint = message({ 8: exemplar, 9: attribute("datapoint") }, summaryIn(9));
const exponentialPoint = message({ 1: attribute("datapoint"), 11: exemplar }, summaryIn(1));
const summaryPoint = message({ 7: attribute("datapoint") }, summaryIn(7));

const records: Readonly<Record<Signal, WalkedField>> = {
  traces: message(
    {
      3: text("span.trace_state"),
      5: text("span.name"),
      9: attribute("span"),
      11: message(
        { 2: text("spanevent.name"), 3: attribute("spanevent") },
        { nameTag: tagOf(2, "length"), ...summaryIn(3) },
      ),
      13: message({ 3: text("spanlink.trace_state"), 4: attribute("spanlink") }),
      15: message({ 2: text("span.status.message") }),
    },
    summaryIn(9),
  ),
  logs: message(
    {
      3: text("log.severity_text"),
      5: { kind: "body", place: placeIndex["log.body"] },
      6: attribute("log"),
      12: text("log.event_name"),
    },
    { nameTag: tagOf(12, "length"), isLog: true, ...summaryIn(6) },
  ),
  metrics: message({
    1: text("metric.name"),
    2: text("metric.description"),
    3: text("metric.unit"),
    5: message({ 1: numberPoint }),
    7: message({ 1: numberPoint }),
    9: message({ 1: histogramPoint }),
    10: message({ 1: exponentialPoint }),
    11: message({ 1: summaryPoint }),
    12: attribute("metric"),
  }),
};

/** The export request of a signal. */
export const walkedRequests: Readonly<Record<Signal, WalkedMessage>> = {
  traces: requestOf(records.traces),
  logs: requestOf(records.logs),
  metrics: requestOf(records.metrics),
};

function requestOf(record: WalkedField): WalkedMessage {
  const envelope = { isEnvelope: true } as const;
  const scopePart = message({ 1: scope, 2: record, 3: text("scope.schema_url") }, envelope);
  const resourcePart = message(
    { 1: resource, 2: scopePart, 3: text("resource.schema_url") },
    envelope,
  );
  return message({ 1: resourcePart }, envelope).message;
}

function byTag(fields: Fields): readonly (WalkedField | undefined)[] {
  const table = new Array<WalkedField | undefined>(256).fill(undefined);
  for (const [number, field] of Object.entries(fields)) {
    table[tagOf(Number(number), "length")] = field;
  }
  return table;
}
