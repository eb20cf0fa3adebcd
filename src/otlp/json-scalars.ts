import type protobuf from "protobufjs/minimal.js";
import { exactInteger } from "./exact-integer.ts";
import type { Scalar } from "./message-description.ts";

const integerRanges = {
  int64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  sfixed64: { min: -(2n ** 63n), max: 2n ** 63n - 1n },
  uint64: { min: 0n, max: 2n ** 64n - 1n },
  fixed64: { min: 0n, max: 2n ** 64n - 1n },
  sint32: { min: -(2n ** 31n), max: 2n ** 31n - 1n },
  uint32: { min: 0n, max: 2n ** 32n - 1n },
  fixed32: { min: 0n, max: 2n ** 32n - 1n },
} as const;

const base64 = /^[\w+/-]*={0,2}$/;
/** An id that cannot be read is written with a length that no id has, so that it is treated like one of a wrong length. */
const noId = Uint8Array.of(0);
const hex = /^(?:[\dA-Fa-f]{2})*$/;

/**
 * Writes a JSON value as a scalar of protobuf, without its tag. If the value cannot be written, writes
 * nothing and returns the expected type.
 */
export function writeScalar(
  writer: protobuf.Writer,
  scalar: Scalar,
  value: unknown,
): string | undefined {
  switch (scalar) {
    case "string":
      if (typeof value !== "string") {
        return "must be a string";
      }
      // A lone surrogate has no UTF-8; written as it is, it would make the whole request invalid for strict backends.
      writer.string(value.toWellFormed());
      return undefined;
    case "bool":
      if (typeof value !== "boolean") {
        return "must be true or false";
      }
      writer.bool(value);
      return undefined;
    case "bytes":
      if (typeof value !== "string" || !base64.test(value)) {
        return "must be a string in base64";
      }
      writer.bytes(Buffer.from(value, "base64"));
      return undefined;
    case "id":
      writer.bytes(typeof value === "string" && hex.test(value) ? Buffer.from(value, "hex") : noId);
      return undefined;
    case "double": {
      const number = toDouble(value);
      if (number === undefined) {
        return 'must be a number, "NaN", "Infinity" or "-Infinity"';
      }
      writer.double(number);
      return undefined;
    }
    default:
      return writeInteger(writer, scalar, value);
  }
}

/** The number of an enum value that is given by number or by name. */
export function enumNumber(
  numbers: ReadonlyMap<string, number>,
  value: unknown,
): number | undefined {
  if (typeof value === "string") {
    return numbers.get(value);
  }
  return typeof value === "number" && Number.isInteger(value) && (value | 0) === value
    ? value
    : undefined;
}

function writeInteger(
  writer: protobuf.Writer,
  scalar: keyof typeof integerRanges,
  value: unknown,
): string | undefined {
  const number = toInteger(value);
  const { min, max } = integerRanges[scalar];
  if (number === undefined || number < min || number > max) {
    return `must be an integer from ${min} to ${max}, as a number or a string`;
  }
  switch (scalar) {
    case "uint32":
    case "fixed32":
    case "sint32":
      writer[scalar](Number(number));
      return undefined;
    default:
      writer[scalar](longOf(number));
      return undefined;
  }
}

function toInteger(value: unknown): bigint | undefined {
  switch (typeof value) {
    case "bigint":
      return value;
    case "number":
      return Number.isInteger(value) ? BigInt(value) : undefined;
    case "string":
      return exactInteger(value);
    default:
      return undefined;
  }
}

function toDouble(value: unknown): number | undefined {
  switch (typeof value) {
    case "number":
      return value;
    case "bigint":
      return Number(value);
    case "string": {
      const isWritten = value === "NaN" || /^-?(?:\d|Infinity$)/.test(value);
      const number = Number(value);
      return isWritten && (value === "NaN" || !Number.isNaN(number)) ? number : undefined;
    }
    default:
      return undefined;
  }
}

function longOf(value: bigint): protobuf.Long {
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(BigInt.asIntN(32, value >> 32n));
  return { low, high, unsigned: false };
}
