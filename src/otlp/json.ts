import protobuf from "protobufjs/minimal.js";
import { parseExactJson } from "./exact-json.ts";
import { isPackable, wireTypeOf } from "./field-wire-type.ts";
import { enumNumber, writeScalar } from "./json-scalars.ts";
import {
  type Field,
  type Message,
  maxMessageDepth,
  requestMessage,
} from "./message-description.ts";
import type { Signal } from "./payload.ts";
import { wireTypes } from "./wire-reader.ts";

/** A problem and its place: `path` grows towards the root while the problem is returned upwards. */
interface Problem {
  path: string;
  readonly message: string;
}

/**
 * Turns an export request in OTLP's JSON into protobuf bytes. Field names in lowerCamelCase or
 * snake_case, ids in hex, 64-bit integers as strings or numbers and always exact, enums as numbers or
 * names; unknown fields are left out, `null` is an absent field. An id of a wrong length is not an
 * error here: it makes its record malformed, which `checkRequest` detects. The message of a failure names
 * the path and never quotes the value.
 */
export function requestFromJson(
  signal: Signal,
  text: string,
): { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; message: string } {
  let request: unknown;
  try {
    request = parseExactJson(text);
  } catch {
    // The message of the parser quotes the body, so it is not used.
    return { ok: false, message: "The body is not valid JSON." };
  }
  return requestFromValue(signal, request);
}

/** The same for a request that `parseExactJson` has read. */
export function requestFromValue(
  signal: Signal,
  request: unknown,
): { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; message: string } {
  const writer = protobuf.Writer.create();
  const problem = writeMessage(writer, requestMessage(signal), request, 0);
  if (problem !== undefined) {
    const where = problem.path === "" ? "The request" : problem.path.slice(1);
    return { ok: false, message: `The body is not valid OTLP JSON: ${where} ${problem.message}.` };
  }
  const { buffer, byteOffset, byteLength } = writer.finish();
  return { ok: true, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
}

function writeMessage(
  writer: protobuf.Writer,
  message: Message,
  value: unknown,
  depth: number,
): Problem | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { path: "", message: "must be an object" };
  }
  if (depth > maxMessageDepth) {
    return { path: "", message: `is nested deeper than ${maxMessageDepth} messages` };
  }
  for (const [name, content] of Object.entries(value)) {
    const field = message.byName.get(name);
    if (field === undefined || content === null) {
      continue;
    }
    const problem = field.isRepeated
      ? writeRepeated(writer, field, content, depth)
      : writeField(writer, field, content, depth);
    if (problem !== undefined) {
      problem.path = `.${field.name}${problem.path}`;
      return problem;
    }
  }
  return undefined;
}

function writeRepeated(
  writer: protobuf.Writer,
  field: Field,
  values: unknown,
  depth: number,
): Problem | undefined {
  if (!Array.isArray(values)) {
    return { path: "", message: "must be an array" };
  }
  const isPacked = isPackable(field) && values.length > 0;
  if (isPacked) {
    writer.uint32(tagOf(field.number, wireTypes.length)).fork();
  }
  for (const [index, value] of values.entries()) {
    const problem = isPacked
      ? writeValue(writer, field, value, depth)
      : writeField(writer, field, value, depth);
    if (problem !== undefined) {
      problem.path = `[${index}]${problem.path}`;
      return problem;
    }
  }
  if (isPacked) {
    writer.ldelim();
  }
  return undefined;
}

function writeField(
  writer: protobuf.Writer,
  field: Field,
  value: unknown,
  depth: number,
): Problem | undefined {
  writer.uint32(tagOf(field.number, wireTypeOf(field)));
  return writeValue(writer, field, value, depth);
}

function writeValue(
  writer: protobuf.Writer,
  { type }: Field,
  value: unknown,
  depth: number,
): Problem | undefined {
  switch (type.kind) {
    case "message": {
      writer.fork();
      const problem = writeMessage(writer, type.message, value, depth + 1);
      writer.ldelim();
      return problem;
    }
    case "enum": {
      const number = enumNumber(type.numbers, value);
      if (number === undefined) {
        return { path: "", message: "must be the number or the name of a value of its enum" };
      }
      writer.int32(number);
      return undefined;
    }
    case "scalar": {
      const message = writeScalar(writer, type.scalar, value);
      return message === undefined ? undefined : { path: "", message };
    }
    default: {
      const never: never = type;
      return never;
    }
  }
}

function tagOf(number: number, wireType: number): number {
  return (number << 3) | wireType;
}
