import type { UnusableRequest } from "./check-request.ts";
import type { JsonText } from "./exact-json.ts";
import { isPackable, wireTypeOf } from "./field-wire-type.ts";
import { type Conversion, newConversion, repairsOf, undoing } from "./json-conversion.ts";
import { enumNumber, writeScalar } from "./json-scalars.ts";
import {
  type Field,
  type Message,
  maxMessageDepth,
  messageOf,
  requestMessage,
} from "./message-description.ts";
import type { Signal } from "./payload.ts";
import type { CountsBy, RejectReason, RepairReason } from "./rejections.ts";
import { requestNames, signals } from "./request-names.ts";
import { parseRequest } from "./request-text.ts";
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

/** Above this depth, lists of messages are the parts of resources and of scopes. */
const partDepth = 2;

/** The fields of a request whose values a resource or a scope can do without. */
const envelopeAttributes: ReadonlySet<Field | undefined> = new Set(
  (["Resource", "InstrumentationScope"] as const).map((name) =>
    messageOf(name).byName.get("attributes"),
  ),
);

/**
 * Turns an export request in OTLP's JSON into protobuf bytes. Field names in lowerCamelCase or
 * snake_case, ids in hex, 64-bit integers as strings or numbers and always exact, enums as numbers or
 * names; unknown fields are left out, `null` is an absent field, and what follows the value is not read. A value that does not fit costs its
 * record, or its attribute of a resource or a scope; elsewhere it makes the request fail. An id that is no id is written so that its length is wrong, which `checkRequest` detects. The message of a
 * failure names the path and never quotes the value.
 */
export function requestFromJson(
  signal: Signal,
  text: JsonText,
): ConvertedRequest | UnusableRequest {
  const parsed = parseRequest(text);
  if (parsed.ok) {
    return requestFromValue(signal, parsed.value);
  }
  if ("problem" in parsed) {
    return parsed;
  }
  const where = parsed.position === undefined ? "" : ` at ${parsed.position}`;
  return { ok: false, problem: "undecodable", message: `The body is not valid JSON${where}.` };
}

/** The same for a request that `parseRequest` has read. */
export function requestFromValue(
  signal: Signal,
  request: unknown,
): ConvertedRequest | UnusableRequest {
  const to = newConversion(signal);
  const problem = writeMessage(to, requestMessage(signal), request ?? {}, 0);
  if (problem !== undefined) {
    const where = problem.path === "" ? "The request" : problem.path.slice(1);
    return {
      ok: false,
      problem: "undecodable",
      message: `The body is not valid OTLP JSON: ${where} ${problem.message}.`,
    };
  }
  const { buffer, byteOffset, byteLength } = to.writer.finish();
  const misdirected = otherSignalIn(signal, request);
  return {
    ok: true,
    bytes: new Uint8Array(buffer, byteOffset, byteLength),
    ...(to.rejectedBy.size === 0 ? {} : { rejectedBy: to.rejectedBy }),
    ...repairsOf(to),
    ...(misdirected === undefined ? {} : { misdirected }),
  };
}

/** The first other signal of which the request has data. */
function otherSignalIn(signal: Signal, request: unknown): Signal | undefined {
  if (typeof request !== "object" || request === null) {
    return undefined;
  }
  return signals.find(
    (each) =>
      each !== signal &&
      requestNames(each).some((name) => {
        const data = Object.hasOwn(request, name) ? Reflect.get(request, name) : undefined;
        return Array.isArray(data) && data.length > 0;
      }),
  );
}

function writeMessage(
  to: Conversion,
  message: Message,
  value: unknown,
  depth: number,
): Problem | undefined {
  if (!isObject(value)) {
    return wrongType("must be an object");
  }
  if (depth > maxMessageDepth) {
    return {
      path: "",
      message: `is nested deeper than ${maxMessageDepth} messages`,
      reason: "too_deep",
    };
  }
  const { droppedAttributes } = to;
  // Not its entries, because a sender's own keys may be millions, and an entry is an array.
  for (const name of Object.keys(value)) {
    const field = message.byName.get(name);
    const content = field === undefined ? null : value[name];
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
  if (
    to.droppedAttributes > droppedAttributes &&
    envelopeAttributes.has(message.byName.get("attributes"))
  ) {
    writeDropped(to, message, value, to.droppedAttributes - droppedAttributes);
  }
  return undefined;
}

/** Adds to the number of attributes that a resource or a scope has lost. The last one of a field counts. */
function writeDropped(
  to: Conversion,
  message: Message,
  value: Readonly<Record<string, unknown>>,
  more: number,
): void {
  const field = message.byName.get("droppedAttributesCount");
  const name = Object.keys(value).findLast((each) => message.byName.get(each) === field);
  const before = name === undefined ? undefined : value[name];
  if (field !== undefined) {
    const dropped = Math.min(Number(before ?? 0) + more, 0xffff_ffff);
    writeField(to, field, dropped, 0);
  }
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
  if (type.message === to.record) {
    return writeEach(values, (value) => writeRecord(to, field, value ?? {}, depth));
  }
  if (envelopeAttributes.has(field)) {
    return writeEach(values, (value) => writeAttribute(to, field, value ?? {}, depth));
  }
  return depth < partDepth
    ? writeEach(values, (value) => writePart(to, field, value ?? {}, depth))
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
  const undo = undoing(to);
  const problem = writeField(to, field, value, depth);
  if (problem === undefined) {
    to.kept += 1;
    return;
  }
  undo();
  to.removed += 1;
  const { reason } = problem;
  to.rejectedBy.set(reason, (to.rejectedBy.get(reason) ?? 0) + itemsIn(value));
}

/** Writes the part of a resource or of a scope. Like `checkRequest`, nothing if it has lost its last record. */
function writePart(
  to: Conversion,
  field: Field,
  value: unknown,
  depth: number,
): Problem | undefined {
  const undo = undoing(to);
  const { kept, removed } = to;
  const problem = writeField(to, field, value, depth);
  if (to.removed > removed && to.kept === kept) {
    undo();
  }
  return problem;
}

/** Writes an attribute of a resource or a scope, or nothing and counts it, when a value in it does not fit. */
function writeAttribute(
  to: Conversion,
  field: Field,
  value: unknown,
  depth: number,
): Problem | undefined {
  const undo = undoing(to);
  const problem = writeField(to, field, value, depth);
  if (problem?.reason !== "wrong_type") {
    return problem;
  }
  undo();
  to.droppedAttributes += 1;
  return undefined;
}

/** The data points of a metric that is left out, at least one; 1 for another record. */
function itemsIn(record: unknown): number {
  // The parts of anything else would be its characters or elements, of which there may be millions.
  if (!isObject(record)) {
    return 1;
  }
  let points = 0;
  for (const name of Object.keys(record)) {
    const { dataPoints, data_points: snakeCase = dataPoints } = Object(record[name]);
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

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrongType(message: string): Problem {
  return { path: "", message, reason: "wrong_type" };
}

function tagOf(number: number, wireType: number): number {
  return (number << 3) | wireType;
}
