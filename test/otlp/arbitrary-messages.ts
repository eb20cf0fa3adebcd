import { readFileSync } from "node:fs";
import protobuf from "protobufjs";
import type { Signal } from "../../src/otlp/payload.ts";
import fc from "../support/fast-check.ts";

const proto = protobuf.parse(
  readFileSync(new URL("../../src/otlp/proto/otlp.proto", import.meta.url), "utf8"),
).root;
proto.resolveAll();

const requestNames = {
  traces: "ExportTraceServiceRequest",
  metrics: "ExportMetricsServiceRequest",
  logs: "ExportLogsServiceRequest",
} as const;

/** The message type of a signal's request, by reflection over the .proto file. */
export function requestType(signal: Signal): protobuf.Type {
  return proto.lookupType(`otlp.${requestNames[signal]}`);
}

/** Is a `bytes` field an id, which JSON writes in hex? */
export function isIdField(field: protobuf.Field): boolean {
  return field.type === "bytes" && /^(?:traceId|spanId|parentSpanId)$/.test(field.name);
}

/** A message as plain values: 64-bit integers are bigints, bytes are `Uint8Array`s. */
export type Model = { [field: string]: Value };
export type Value = string | number | bigint | boolean | Uint8Array | Model | Value[];

const sixtyFour = (min: bigint, max: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max, 2n ** 53n + 1n, 0n));

const scalars: Readonly<Record<string, fc.Arbitrary<Value>>> = {
  string: fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("", "__proto__", "\u0000")),
  bool: fc.boolean(),
  bytes: fc.uint8Array({ maxLength: 9 }),
  double: fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, -0, 1e300)),
  int64: sixtyFour(-(2n ** 63n), 2n ** 63n - 1n),
  sfixed64: sixtyFour(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: sixtyFour(0n, 2n ** 64n - 1n),
  fixed64: sixtyFour(0n, 2n ** 64n - 1n),
  uint32: fc.nat(2 ** 32 - 1),
  fixed32: fc.nat(2 ** 32 - 1),
  sint32: fc.integer(),
};

/** Any message of a type; deep ones get fewer parts. */
export function arbitraryMessage(type: protobuf.Type, depth = 0): fc.Arbitrary<Model> {
  const fields = type.fieldsArray.filter((field) => depth < 10 || !field.resolvedType);
  return fc
    .array(fc.nat(Math.max(fields.length - 1, 0)), {
      minLength: 1,
      maxLength: depth < 8 ? 8 : 2,
      size: "max",
    })
    .chain((chosen) => {
      const parts: Record<string, fc.Arbitrary<Value>> = {};
      const members = new Set<string>();
      for (const index of chosen) {
        const field = fields[index];
        if (field === undefined || (field.partOf !== null && members.has(field.partOf.name))) {
          continue; // of a oneof one member
        }
        if (field.partOf !== null) {
          members.add(field.partOf.name);
        }
        const one = partOf(field, depth);
        parts[field.name] = field.repeated ? fc.array(one, { maxLength: 3, size: "max" }) : one;
      }
      return fc.record(parts);
    });
}

function partOf(field: protobuf.Field, depth: number): fc.Arbitrary<Value> {
  if (field.resolvedType instanceof protobuf.Type) {
    return arbitraryMessage(field.resolvedType, depth + 1);
  }
  if (field.resolvedType instanceof protobuf.Enum) {
    return fc.constantFrom(...Object.values(field.resolvedType.values));
  }
  if (isIdField(field)) {
    const length = field.name === "traceId" ? 16 : 8;
    return fc.oneof(
      fc.uint8Array({ minLength: length, maxLength: length }),
      fc.constant(new Uint8Array(0)),
    );
  }
  const scalar = scalars[field.type];
  if (scalar === undefined) {
    throw new Error(`No values for ${field.type}.`);
  }
  return scalar;
}

/** The bytes protobufjs makes of a model. */
export function encodeModel(type: protobuf.Type, model: Model): Uint8Array {
  return type.encode(type.fromObject(plain(model) as Record<string, unknown>)).finish();
}

function plain(value: Value): unknown {
  if (typeof value === "bigint") {
    return String(value);
  }
  if (Array.isArray(value)) {
    return value.map(plain);
  }
  if (typeof value === "object" && !(value instanceof Uint8Array)) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]));
  }
  return value;
}

/** How a sender writes JSON. */
export interface JsonStyle {
  readonly snakeCase: boolean;
  readonly longsAsNumbers: boolean;
  readonly enumNames: boolean;
  readonly upperHex: boolean;
}

/** A model in OTLP's JSON. */
export function jsonOf(type: protobuf.Type, model: Model, style: JsonStyle): string {
  const members = Object.entries(model).map(([name, value]) => {
    const field = type.fields[name];
    if (field === undefined) {
      throw new Error(`${type.name} has no ${name}.`);
    }
    const written = Array.isArray(value)
      ? `[${value.map((one) => jsonOfValue(field, one, style)).join(",")}]`
      : jsonOfValue(field, value, style);
    const key = style.snakeCase ? protobuf.util.camelCase(name).replaceAll(/[A-Z]/g, snake) : name;
    return `${JSON.stringify(key)}: ${written}`;
  });
  return `{${members.join(", ")}}`;
}

const snake = (letter: string): string => `_${letter.toLowerCase()}`;

function jsonOfValue(field: protobuf.Field, value: Value, style: JsonStyle): string {
  if (field.resolvedType instanceof protobuf.Type) {
    return jsonOf(field.resolvedType, value as Model, style);
  }
  if (field.resolvedType instanceof protobuf.Enum && style.enumNames) {
    return JSON.stringify(field.resolvedType.valuesById[value as number]);
  }
  if (value instanceof Uint8Array) {
    const text = Buffer.from(value).toString(isIdField(field) ? "hex" : "base64");
    return JSON.stringify(isIdField(field) && style.upperHex ? text.toUpperCase() : text);
  }
  if (typeof value === "bigint") {
    return style.longsAsNumbers ? String(value) : `"${value}"`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    return `"${value}"`;
  }
  return Object.is(value, -0) ? "-0" : JSON.stringify(value);
}
