import type { Attributes } from "@opentelemetry/api";

/** A value of OTLP/JSON. */
type JsonValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: readonly JsonValue[] } };

export interface JsonKeyValue {
  readonly key: string;
  readonly value: JsonValue;
}

const identifying = [
  "service.name",
  "service.instance.id",
  "host.id",
  "host.name",
  "process.pid",
] as const;

/** A key for the process of a resource; undefined if the resource does not identify its process. */
export function processKeyOf(resource: Attributes): string | undefined {
  const has = (key: (typeof identifying)[number]) =>
    resource[key] !== undefined && resource[key] !== "";
  const isKnown =
    has("service.instance.id") || (has("process.pid") && (has("host.id") || has("host.name")));
  return isKnown ? JSON.stringify(identifying.map((key) => resource[key] ?? null)) : undefined;
}

/** Attributes in the form of OTLP/JSON, with numbers as the SDKs write them. */
export function keyValuesOf(attributes: Readonly<Record<string, unknown>>): JsonKeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const json = jsonOf(value);
    return json === undefined ? [] : [{ key, value: json }];
  });
}

function jsonOf(value: unknown): JsonValue | undefined {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      return Array.isArray(value)
        ? { arrayValue: { values: value.flatMap((each) => jsonOf(each) ?? []) } }
        : undefined;
  }
}
