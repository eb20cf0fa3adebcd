import { isPackable, wireTypeOf } from "./field-wire-type.ts";
import {
  type Field,
  type Message,
  maxMessageDepth,
  requestMessage,
  type Scalar,
} from "./message-description.ts";
import type { Signal } from "./payload.ts";
import { requestFields } from "./request-names.ts";
import { forgetView, WireReader, wireTypes } from "./wire-reader.ts";

/** A request as the text of OTLP's JSON, which is one line. */
export interface JsonRequest {
  readonly text: string;
  /** Messages that are cut short, because their bytes cannot be decoded or because they are nested deeper than a reader accepts. */
  readonly incomplete: number;
}

type JsonValue = string | number | boolean | JsonObject | JsonValue[];
interface JsonObject {
  [name: string]: JsonValue;
}

/** What a reading has found besides the values. */
interface Reading {
  readonly reader: WireReader;
  incomplete: number;
}

/**
 * Turns the protobuf bytes of an export request into OTLP's JSON, the opposite of `requestFromJson`: names in lowerCamelCase, ids
 * in hex, 64-bit integers as strings, enums as numbers, other bytes in base64, `NaN` and the infinities as strings. What is on the
 * wire is written, also a default value. Unknown fields are left out, and invalid UTF-8 becomes U+FFFD. Never throws for any bytes: of a
 * message that cannot be decoded, the part before the fault is written.
 */
export function jsonOfRequest(signal: Signal, bytes: Uint8Array): JsonRequest {
  try {
    const reading: Reading = { reader: new WireReader(bytes), incomplete: 0 };
    // The field is there even when it is empty, so that a reader can tell which signal it is.
    const request: JsonObject = { [requestFields[signal]]: [] };
    readMessage(reading, { message: requestMessage(signal), end: bytes.length, depth: 0 }, request);
    return { text: JSON.stringify(request), incomplete: reading.incomplete };
  } finally {
    // The view would keep the request in memory until the next one is read.
    forgetView();
  }
}

interface Part {
  readonly message: Message;
  readonly end: number;
  readonly depth: number;
}

/** Reads the message from the reader's position up to its end into an object, which may have parts of the message already. */
function readMessage(reading: Reading, part: Part, into: JsonObject): void {
  const { reader } = reading;
  const { message, end } = part;
  while (reader.position < end) {
    const tag = reader.tag(end);
    const field = message.byNumber.get(tag >>> 3);
    const isRead =
      field === undefined
        ? reader.skip(tag, end)
        : readField(reading, { ...part, field, tag }, into);
    if (!isRead) {
      reading.incomplete += 1;
      reader.position = end;
    }
  }
}

/** False when the bytes of the field are malformed. */
function readField(
  reading: Reading,
  { field, tag, end, depth }: Part & { readonly field: Field; readonly tag: number },
  into: JsonObject,
): boolean {
  const { reader } = reading;
  const wireType = tag & 7;
  if (field.isRepeated && wireType === wireTypes.length && isPackable(field)) {
    return readPacked(reader, { field, end }, into);
  }
  if (wireType !== wireTypeOf(field)) {
    return reader.skip(tag, end); // as in protobuf, an unknown field
  }
  if (field.type.kind === "message") {
    return readNested(reading, { field, message: field.type.message, end, depth }, into);
  }
  const value = readScalar(reader, field, end);
  if (value === undefined) {
    return false;
  }
  put(into, field, value);
  return true;
}

function readPacked(
  reader: WireReader,
  { field, end }: { readonly field: Field; readonly end: number },
  into: JsonObject,
): boolean {
  const stop = reader.length(end);
  while (stop >= 0 && reader.position < stop) {
    const value = readScalar(reader, field, stop);
    if (value === undefined) {
      return false;
    }
    put(into, field, value);
  }
  return stop >= 0;
}

function readNested(
  reading: Reading,
  { field, message, end, depth }: Part & { readonly field: Field },
  into: JsonObject,
): boolean {
  const { reader } = reading;
  const stop = reader.length(end);
  if (stop < 0) {
    return false;
  }
  if (depth === maxMessageDepth) {
    reading.incomplete += 1;
    reader.position = stop;
    return true;
  }
  const earlier = into[field.name];
  // A message that is sent in parts is merged.
  const isMerged = !field.isRepeated && typeof earlier === "object" && !Array.isArray(earlier);
  const nested = isMerged ? earlier : {};
  if (!isMerged) {
    put(into, field, nested);
  }
  readMessage(reading, { message, end: stop, depth: depth + 1 }, nested);
  return true;
}

function put(into: JsonObject, field: Field, value: JsonValue): void {
  for (const alternative of field.alternatives) {
    delete into[alternative];
  }
  if (!field.isRepeated) {
    into[field.name] = value;
    return;
  }
  const values = into[field.name];
  if (Array.isArray(values)) {
    values.push(value);
  } else {
    into[field.name] = [value];
  }
}

/** A value that is no message; `undefined` when it is malformed. */
function readScalar(
  reader: WireReader,
  { type }: Field,
  end: number,
): string | number | boolean | undefined {
  if (type.kind === "message") {
    return undefined;
  }
  const scalar = type.kind === "enum" ? "enum" : type.scalar;
  switch (scalar) {
    case "string":
    case "bytes":
    case "id":
      return readText(reader, scalar, end);
    case "double":
    case "fixed64":
    case "sfixed64":
      return readFixed64(reader, scalar, end);
    case "fixed32":
      return readFixed32(reader, end);
    default:
      return reader.varint64(end) ? varintValue(reader, scalar) : undefined;
  }
}

const encodings = { string: "utf8", bytes: "base64", id: "hex" } as const;

function readText(
  reader: WireReader,
  scalar: keyof typeof encodings,
  end: number,
): string | undefined {
  const stop = reader.length(end);
  if (stop < 0) {
    return undefined;
  }
  const { buffer, byteOffset } = reader.bytes;
  const start = reader.position;
  reader.position = stop;
  return Buffer.from(buffer, byteOffset + start, stop - start).toString(encodings[scalar]);
}

function readFixed64(
  reader: WireReader,
  scalar: Extract<Scalar, "double" | "fixed64" | "sfixed64">,
  end: number,
): string | number | undefined {
  const at = reader.position;
  if (end - at < 8) {
    return undefined;
  }
  reader.position = at + 8;
  switch (scalar) {
    case "double":
      return doubleValue(reader.view.getFloat64(at, true));
    case "fixed64":
      return String(reader.view.getBigUint64(at, true));
    case "sfixed64":
      return String(reader.view.getBigInt64(at, true));
    default: {
      const never: never = scalar;
      return never;
    }
  }
}

function readFixed32(reader: WireReader, end: number): number | undefined {
  const at = reader.position;
  if (end - at < 4) {
    return undefined;
  }
  reader.position = at + 4;
  return reader.view.getUint32(at, true);
}

/** `JSON.stringify` would write a negative zero as 0. Protobuf's JSON accepts every number as a string, too. */
function doubleValue(value: number): number | string {
  if (Object.is(value, -0)) {
    return "-0";
  }
  return Number.isFinite(value) ? value : String(value);
}

function varintValue(
  { hi, lo }: WireReader,
  scalar: Extract<Scalar, "bool" | "int64" | "uint64" | "uint32" | "sint32"> | "enum",
): string | number | boolean {
  switch (scalar) {
    case "bool":
      return hi !== 0 || lo !== 0;
    case "enum":
      return lo | 0;
    case "uint32":
      return lo >>> 0;
    case "sint32":
      return (lo >>> 1) ^ -(lo & 1);
    case "int64":
      return String(BigInt.asIntN(64, wide(hi, lo)));
    case "uint64":
      return String(wide(hi, lo));
    default: {
      const never: never = scalar;
      return never;
    }
  }
}

function wide(hi: number, lo: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
