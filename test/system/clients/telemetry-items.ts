import type { Signal } from "../../../src/otlp/payload.ts";
import { requestType } from "../../otlp/arbitrary-messages.ts";

/** What one request brings, from wherever it was recorded. */
export interface ItemsRequest {
  readonly signal: Signal;
  /** Protobuf, or JSON. */
  readonly bytes: Uint8Array;
  readonly isJson: boolean;
}

type Json = { readonly [key: string]: unknown };

/**
 * Every span, metric and log record of a service in these requests, in full, with its resource and scope, sorted: two lists are equal when the same was said in whatever
 * requests, order and encoding. Decoded by protobufjs, which shares no code with the collector.
 */
export function itemsOf(requests: readonly ItemsRequest[], service: string): readonly string[] {
  return requests
    .flatMap(parsedItems)
    .filter((item) => isFrom(item, service))
    .map((item) => JSON.stringify(item))
    .sort();
}

/** The same to compare two runs of one program: without ids, times, exemplars and metrics of the SDK about itself, and with all that has no order in order. */
export function shapesOf(requests: readonly ItemsRequest[], service: string): readonly string[] {
  return requests
    .flatMap(parsedItems)
    .filter((item) => isFrom(item, service))
    .map((item) => JSON.stringify(shapeOf(item)))
    .filter((shape) => shape.includes('"name":"peer"'))
    .sort();
}

/** What is in one list and not in the other, with how often; the first three of each, for people. */
export function differenceOf(sent: readonly string[], arrived: readonly string[]) {
  const counts = new Map<string, number>();
  for (const item of sent) {
    counts.set(item, (counts.get(item) ?? 0) + 1);
  }
  for (const item of arrived) {
    counts.set(item, (counts.get(item) ?? 0) - 1);
  }
  const differing = [...counts].filter(([, count]) => count !== 0);
  return {
    missing: differing.filter(([, count]) => count > 0).slice(0, 3),
    added: differing.filter(([, count]) => count < 0).slice(0, 3),
  };
}

function parsedItems({ signal, bytes, isJson }: ItemsRequest): readonly Json[] {
  const type = requestType(signal);
  const protobuf = isJson
    ? type
        .encode(type.fromObject(withBase64Ids(JSON.parse(Buffer.from(bytes).toString("utf8")))))
        .finish()
    : bytes;
  // JSON, because doubles that are no numbers would all be null in the text; defaults, because absent and default are the same in OTLP.
  const request = type.toObject(type.decode(protobuf), {
    json: true,
    longs: String,
    bytes: String,
    enums: Number,
    defaults: true,
    arrays: true,
  });
  return listIn(request, /^resource/).flatMap((resourceItems) =>
    listIn(resourceItems, /^scope(Spans|Metrics|Logs)$/).flatMap((scopeItems) =>
      listIn(scopeItems, /^(spans|metrics|logRecords)$/).map((item) => ({
        signal,
        resource: resourceItems["resource"],
        resourceSchema: resourceItems["schemaUrl"],
        scope: scopeItems["scope"],
        scopeSchema: scopeItems["schemaUrl"],
        item,
      })),
    ),
  );
}

function isFrom(item: Json, service: string): boolean {
  return JSON.stringify(item["resource"]).includes(
    `{"key":"service.name","value":{"stringValue":${JSON.stringify(service)}}}`,
  );
}

function listIn(value: Json, name: RegExp): readonly Json[] {
  return Object.entries(value).flatMap(([key, list]) =>
    name.test(key) && Array.isArray(list) ? list : [],
  );
}

/** OTLP writes these ids as hex, unlike all other bytes. No sender's own key is a key of OTLP's JSON. */
function withBase64Ids(request: unknown): Json {
  const changed = walked(request, "", ({ key, value }) =>
    /^(traceId|spanId|parentSpanId)$/.test(key)
      ? Buffer.from(String(value), "hex").toString("base64")
      : value,
  );
  return Object.fromEntries(Object.entries(changed ?? {}));
}

function shapeOf(value: unknown): unknown {
  const shape = walked(value, "", ({ value: inner, key }) => {
    if (/^(traceId|spanId|parentSpanId)$/.test(key)) {
      return String(inner).length;
    }
    if (/TimeUnixNano$/i.test(key)) {
      return inner !== "0";
    }
    // Of the process: service.instance.id.
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(inner)) ? "uuid" : inner;
  });
  return inOrder(shape);
}

/** Maps of some SDKs have no order, and which measurements become exemplars is chance. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) {
    const list = value.map(inOrder);
    return list.every(isKeyValue)
      ? list.toSorted((one, other) => (one.key < other.key ? -1 : 1))
      : list;
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const ordered = inOrder(inner);
      if (key === "dataPoints" && Array.isArray(ordered)) {
        return [key, ordered.map((point) => JSON.stringify(point)).sort()];
      }
      return [key, key === "exemplars" ? [] : ordered];
    }),
  );
}

function isKeyValue(value: unknown): value is { readonly key: string } {
  return typeof value === "object" && value !== null && "key" in value && "value" in value;
}

function walked(
  value: unknown,
  key: string,
  change: (scalar: { readonly key: string; readonly value: unknown }) => unknown,
): unknown {
  if (Array.isArray(value)) {
    return value.map((inner) => walked(inner, key, change));
  }
  if (typeof value !== "object" || value === null) {
    return change({ key, value });
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, walked(inner, name, change)]),
  );
}
