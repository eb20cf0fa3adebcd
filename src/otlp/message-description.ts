import { enumTable, messageTable } from "./message-table.ts";
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
  readonly type:
    | { readonly kind: "scalar"; readonly scalar: Scalar }
    /** From the full names of the values to their numbers. */
    | { readonly kind: "enum"; readonly numbers: ReadonlyMap<string, number> }
    | { readonly kind: "message"; readonly message: Message };
}

/** The description of a message for JSON: its fields by their lowerCamelCase and their snake_case names. */
export type Message = ReadonlyMap<string, Field>;

/** The export request of a signal. */
export function requestMessage(signal: Signal): Message {
  return messageNamed(requestNames[signal], messages);
}

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

const messages: ReadonlyMap<string, Message> = describeAll();

function describeAll(): ReadonlyMap<string, Message> {
  // The messages first, empty, because they name one another.
  const described = new Map<string, Map<string, Field>>(
    Object.keys(messageTable).map((name) => [name, new Map()]),
  );
  for (const [messageName, fields] of Object.entries(messageTable)) {
    for (const [name, [number, typeName, repeated]] of entriesOf(fields)) {
      const field = {
        name,
        number,
        isRepeated: repeated !== undefined,
        type: typeOf(typeName, described),
      };
      described.get(messageName)?.set(name, field).set(snakeCase(name), field);
    }
  }
  return described;
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
