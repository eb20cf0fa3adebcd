import { enumTable, messageTable, oneofTable } from "./message-table.ts";
import type { Signal } from "./payload.ts";

/** Types of fields that hold no message and no enum. `id` is bytes that OTLP's JSON writes in hex. */
const scalars = [
  "string",
  "bool",
  "bytes",
  "id",
  "double",
  "int64",
  "uint64",
  "fixed64",
  "sfixed64",
  "uint32",
  "fixed32",
  "sint32",
] as const;

export type Scalar = (typeof scalars)[number];

export interface Field {
  /** In lowerCamelCase. */
  readonly name: string;
  readonly number: number;
  readonly isRepeated: boolean;
  /** The other members of its `oneof`: at most one of them is in a message. */
  readonly alternatives: readonly string[];
  readonly type:
    | { readonly kind: "scalar"; readonly scalar: Scalar }
    /** From the full names of the values to their numbers. */
    | { readonly kind: "enum"; readonly numbers: ReadonlyMap<string, number> }
    | { readonly kind: "message"; readonly message: Message };
}

/** The description of a message for JSON. */
export interface Message {
  /** The fields by their lowerCamelCase and their snake_case names. */
  readonly byName: ReadonlyMap<string, Field>;
  readonly byNumber: ReadonlyMap<number, Field>;
}

/** Messages in messages; protobuf readers of several languages refuse deeper ones. */
export const maxMessageDepth = 100;

/** The export request of a signal. */
export function requestMessage(signal: Signal): Message {
  return messageNamed(requestNames[signal], messages);
}

/** The records of a signal: spans, metrics, log records. */
export function recordMessage(signal: Signal): Message {
  return messageNamed(recordNames[signal], messages);
}

/** A message by its name. */
export function messageOf(name: keyof typeof messageTable): Message {
  return messageNamed(name, messages);
}

const recordNames = { traces: "Span", metrics: "Metric", logs: "LogRecord" } as const;

const requestNames = {
  traces: "ExportTraceServiceRequest",
  metrics: "ExportMetricsServiceRequest",
  logs: "ExportLogsServiceRequest",
} as const;

const scalarNames: ReadonlyMap<string, Scalar> = new Map(scalars.map((name) => [name, name]));

const enums: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map(
  Object.entries(enumTable).map(([name, { prefix, values }]) => [
    name,
    new Map(values.map((value, number) => [prefix + value, number])),
  ]),
);

const oneofs: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(oneofTable));

const messages: ReadonlyMap<string, Message> = describeAll();

function describeAll(): ReadonlyMap<string, Message> {
  // The messages first, empty, because they name one another.
  const described = new Map(
    Object.keys(messageTable).map((name) => [
      name,
      { byName: new Map<string, Field>(), byNumber: new Map<number, Field>() },
    ]),
  );
  for (const [messageName, fields] of Object.entries(messageTable)) {
    for (const [name, [number, typeName, repeated]] of entriesOf(fields)) {
      const field = {
        name,
        number,
        isRepeated: repeated !== undefined,
        alternatives: alternativesOf(messageName, name),
        type: typeOf(typeName, described),
      };
      const message = described.get(messageName);
      message?.byName.set(name, field).set(snakeCase(name), field);
      message?.byNumber.set(number, field);
    }
  }
  return described;
}

function alternativesOf(messageName: string, fieldName: string): readonly string[] {
  const members = oneofs.get(messageName) ?? [];
  return members.includes(fieldName) ? members.filter((member) => member !== fieldName) : [];
}

function entriesOf(
  fields: Readonly<Record<string, readonly [number, string, "repeated"?]>>,
): [string, readonly [number, string, "repeated"?]][] {
  return Object.entries(fields);
}

function typeOf(name: string, described: ReadonlyMap<string, Message>): Field["type"] {
  const scalar = scalarNames.get(name);
  if (scalar !== undefined) {
    return { kind: "scalar", scalar };
  }
  const numbers = enums.get(name);
  if (numbers !== undefined) {
    return { kind: "enum", numbers };
  }
  return { kind: "message", message: messageNamed(name, described) };
}

function messageNamed(name: string, described: ReadonlyMap<string, Message>): Message {
  const message = described.get(name);
  if (message === undefined) {
    throw new Error(`The message table has no ${name}.`);
  }
  return message;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
