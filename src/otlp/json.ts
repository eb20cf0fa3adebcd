import protobuf from "protobufjs/minimal.js";
import { parseFirstValue } from "./exact-json.ts";
import { isPackable, wireTypeOf } from "./field-wire-type.ts";
import { enumNumber, writeScalar } from "./json-scalars.ts";
import {
  type Field,
  type Message,
  maxMessageDepth,
  recordMessage,
  requestMessage,
} from "./message-description.ts";
import type { Signal } from "./payload.ts";
import type { CountsBy, RejectReason, RepairReason } from "./rejections.ts";
import { requestNames, signals } from "./request-names.ts";
import { wireTypes } from "./wire-reader.ts";

/** A problem and its place: `path` grows towards the root while the problem is returned upwards. */
interface Problem {
  path: string;
  readonly message: string;
  readonly reason: RejectReason;
}

/** A request as protobuf, and what became of it on the way. */
export interface ConvertedRequest {
  readonly ok: true;
  readonly bytes: Uint8Array;
  /** Items that are left out, because a value does not fit. */
  readonly rejectedBy?: CountsBy<RejectReason>;
  readonly repairedBy?: CountsBy<RepairReason>;
  /** The request has data of this signal, which belong elsewhere. */
  readonly misdirected?: Signal;
}

/** The conversion of one request. */
interface Conversion {
  readonly writer: protobuf.Writer;
  /** The spans, metrics or log records. */
  readonly record: Message;
  readonly rejectedBy: Map<RejectReason, number>;
  /** Texts with lone surrogates, in all and in the record that is being written. */
  repairedTexts: number;
}

/**
 * Turns an export request in OTLP's JSON into protobuf bytes. Field names in lowerCamelCase or
 * snake_case, ids in hex, 64-bit integers as strings or numbers and always exact, enums as numbers or
 * names; unknown fields are left out, `null` is an absent field, and what follows the value is not read. A value that does not fit costs its record; outside of the
 * records it makes the request fail. An id that is no id is written so that its length is wrong, which `checkRequest` detects. The message of a
 * failure names the path and never quotes the value.
 */
export function requestFromJson(
  signal: Signal,
  text: string,
): ConvertedRequest | { readonly ok: false; message: string } {
  let request: unknown;
  try {
    request = parseFirstValue(text);
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
): ConvertedRequest | { readonly ok: false; message: string } {
  const to: Conversion = {
    writer: protobuf.Writer.create(),
    record: recordMessage(signal),
    rejectedBy: new Map(),
    repairedTexts: 0,
  };
  const problem = writeMessage(to, requestMessage(signal), request ?? {}, 0);
  if (problem !== undefined) {
    const where = problem.path === "" ? "The request" : problem.path.slice(1);
    return { ok: false, message: `The body is not valid OTLP JSON: ${where} ${problem.message}.` };
  }
  const { buffer, byteOffset, byteLength } = to.writer.finish();
  const misdirected = otherSignalIn(signal, request);
  return {
    ok: true,
    bytes: new Uint8Array(buffer, byteOffset, byteLength),
    ...(to.rejectedBy.size === 0 ? {} : { rejectedBy: to.rejectedBy }),
    ...(to.repairedTexts === 0
      ? {}
      : { repairedBy: new Map([["invalid_utf8" as const, to.repairedTexts]]) }),
    ...(misdirected === undefined ? {} : { misdirected }),
  };
}

/** The first other signal of which the request has data. */
function otherSignalIn(signal: Signal, request: unknown): Signal | undefined {
  if (typeof request !== "object" || request === null) {
    return undefined;
  }
  const names = new Set(
    Object.entries(request).flatMap(([name, value]) =>
      Array.isArray(value) && value.length > 0 ? [name] : [],
    ),
  );
  return signals.find(
    (each) => each !== signal && requestNames(each).some((name) => names.has(name)),
  );
}

function writeMessage(
  to: Conversion,
  message: Message,
  value: unknown,
  depth: number,
): Problem | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return wrongType("must be an object");
  }
  if (depth > maxMessageDepth) {
    return {
      path: "",
      message: `is nested deeper than ${maxMessageDepth} messages`,
      reason: "too_deep",
    };
  }
  for (const [name, content] of Object.entries(value)) {
    const field = message.byName.get(name);
    if (field === undefined || content === null) {
      continue;
    }
    const problem = field.isRepeated
      ? writeRepeated(to, field, content, depth)
      : writeField(to, field, content, depth);
    if (problem !== undefined) {
      problem.path = `.${field.name}${problem.path}`;
      return problem;
    }
  }
  return undefined;
}

function writeRepeated(
  to: Conversion,
  field: Field,
  values: unknown,
  depth: number,
): Problem | undefined {
  if (!Array.isArray(values)) {
    return wrongType("must be an array");
  }
  if (isPackable(field) && values.length > 0) {
    to.writer.uint32(tagOf(field.number, wireTypes.length)).fork();
    const problem = writeEach(values, (value) => writeValue(to, field, value, depth));
    to.writer.ldelim();
    return problem;
  }
  const { type } = field;
  if (type.kind !== "message") {
    return writeEach(values, (value) => writeField(to, field, value, depth));
  }
  // As in the Collector, `null` is an empty message there.
  return type.message === to.record
    ? writeEach(values, (value) => writeRecord(to, field, value ?? {}, depth))
    : writeEach(values, (value) => writeField(to, field, value ?? {}, depth));
}

function writeEach(
  values: readonly unknown[],
  write: (value: unknown) => Problem | undefined,
): Problem | undefined {
  for (const [index, value] of values.entries()) {
    const problem = write(value);
    if (problem !== undefined) {
      problem.path = `[${index}]${problem.path}`;
      return problem;
    }
  }
  return undefined;
}

/** Writes a record, or nothing and counts it, when something in it does not fit. */
function writeRecord(to: Conversion, field: Field, value: unknown, depth: number): undefined {
  const start = to.writer.pos;
  const { repairedTexts } = to;
  const problem = writeField(to, field, value, depth);
  if (problem !== undefined) {
    to.writer.pos = start;
    to.repairedTexts = repairedTexts;
    const { reason } = problem;
    to.rejectedBy.set(reason, (to.rejectedBy.get(reason) ?? 0) + itemsIn(value));
  }
}

/** The data points of a metric that is left out, at least one; 1 for another record. */
function itemsIn(record: unknown): number {
  let points = 0;
  for (const part of Object.values(Object(record))) {
    const { dataPoints, data_points: snakeCase = dataPoints } = Object(part);
    points += Array.isArray(snakeCase) ? snakeCase.length : 0;
  }
  return Math.max(points, 1);
}

function writeField(
  to: Conversion,
  field: Field,
  value: unknown,
  depth: number,
): Problem | undefined {
  to.writer.uint32(tagOf(field.number, wireTypeOf(field)));
  return writeValue(to, field, value, depth);
}

function writeValue(
  to: Conversion,
  { type }: Field,
  value: unknown,
  depth: number,
): Problem | undefined {
  const { writer } = to;
  switch (type.kind) {
    case "message": {
      writer.fork();
      const problem = writeMessage(to, type.message, value, depth + 1);
      writer.ldelim();
      return problem;
    }
    case "enum": {
      const number = enumNumber(type.numbers, value);
      if (number === undefined) {
        return wrongType("must be the number or the name of a value of its enum");
      }
      writer.int32(number);
      return undefined;
    }
    case "scalar": {
      const message = writeScalar(writer, type.scalar, value);
      if (type.scalar === "string" && typeof value === "string" && !value.isWellFormed()) {
        to.repairedTexts += 1;
      }
      return message === undefined ? undefined : wrongType(message);
    }
    default: {
      const never: never = type;
      return never;
    }
  }
}

function wrongType(message: string): Problem {
  return { path: "", message, reason: "wrong_type" };
}

function tagOf(number: number, wireType: number): number {
  return (number << 3) | wireType;
}
