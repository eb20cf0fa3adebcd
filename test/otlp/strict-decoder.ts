import protobuf from "protobufjs";
import type { Signal } from "../../src/otlp/payload.ts";
import { requestType } from "./arbitrary-messages.ts";

/** A decoded message: its fields in wire order of their numbers, unknown ones as bytes. */
export interface Decoded {
  readonly [name: string]: unknown;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const deepest = 100;
const idSizes: Readonly<Record<string, number>> = { traceId: 16, spanId: 8, parentSpanId: 8 };

/**
 * Decodes a request as strictly as any backend does, by the .proto file and by code of its own: invalid UTF-8, an id of a wrong length,
 * something cut off, a field with the wire type of another, or messages that nest too deep throw. An oracle for the checks of `src/otlp`, with which it shares nothing.
 */
export function strictlyDecoded(signal: Signal, bytes: Uint8Array): Decoded {
  return message(requestType(signal), bytes, 0);
}

function message(type: protobuf.Type, bytes: Uint8Array, depth: number): Decoded {
  if (depth > deepest) {
    throw new Error(`${type.name} is nested too deep`);
  }
  const cursor = new Cursor(bytes);
  const decoded: Record<string, unknown> = {};
  while (!cursor.atEnd) {
    const from = cursor.at;
    const tag = Number(cursor.varint());
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number === 0 || tag > 0xffff_ffff || cursor.at - from > 5) {
      throw new Error("no tag");
    }
    const field = type.fieldsById[number]?.resolve();
    const content = cursor.field(number, wire, deepest - depth);
    if (field !== undefined && !isWireType(field, wire)) {
      throw new Error(`${field.name} has the wire type ${wire}`);
    }
    if (field === undefined) {
      decoded[`?${number}`] = [decoded[`?${number}`] ?? "", Buffer.from(content).toString("hex")];
      continue;
    }
    if (field.partOf !== null) {
      for (const other of field.partOf.fieldsArray) {
        if (other !== field) {
          delete decoded[other.name];
        }
      }
    }
    const values = valuesOf(field, wire, content, depth);
    if (field.repeated) {
      const before = decoded[field.name];
      decoded[field.name] = [...(Array.isArray(before) ? before : []), ...values];
    } else {
      decoded[field.name] = values.at(-1);
    }
  }
  return decoded;
}

const fixed: Readonly<Record<string, number>> = {
  fixed64: 1,
  sfixed64: 1,
  double: 1,
  fixed32: 5,
  sfixed32: 5,
  float: 5,
};

function wireTypeOf(field: protobuf.Field): number {
  if (field.resolvedType instanceof protobuf.Enum) {
    return 0;
  }
  return field.resolvedType || /^(?:string|bytes)$/.test(field.type) ? 2 : (fixed[field.type] ?? 0);
}

function isWireType(field: protobuf.Field, wire: number): boolean {
  return wire === wireTypeOf(field) || (field.repeated && wire === 2);
}

function valuesOf(
  field: protobuf.Field,
  wire: number,
  content: Uint8Array,
  depth: number,
): readonly unknown[] {
  const { name, type, resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) {
    return [message(resolvedType, content, depth + 1)];
  }
  if (type === "string") {
    return [utf8.decode(content)];
  }
  if (type === "bytes") {
    const size = idSizes[name];
    if (size !== undefined && content.length !== size && content.length > 0) {
      throw new Error(`${name} has ${content.length} bytes`);
    }
    return [Buffer.from(content).toString("hex")];
  }
  const cursor = new Cursor(content);
  const values: string[] = [];
  do {
    const size = wireTypeOf(field) === 0 ? 0 : wireTypeOf(field) === 1 ? 8 : 4;
    if (!cursor.atEnd) {
      values.push(size === 0 ? String(cursor.varint()) : cursor.take(size).toString());
    }
  } while (wire === 2 && !cursor.atEnd);
  return values;
}

class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.at >= this.#bytes.length;
  }

  take(size: number): Uint8Array {
    if (this.at + size > this.#bytes.length) {
      throw new Error("cut off");
    }
    this.at += size;
    return this.#bytes.subarray(this.at - size, this.at);
  }

  varint(): bigint {
    let value = 0n;
    for (let count = 0; count < 10; count++) {
      const [byte = 0] = this.take(1);
      value |= BigInt(byte & 0x7f) << BigInt(7 * count);
      if (byte < 0x80) {
        return BigInt.asUintN(64, value);
      }
    }
    throw new Error("a varint is too long");
  }

  /** The content of a field, without tag and length. */
  field(number: number, wire: number, groups: number): Uint8Array {
    const from = this.at;
    switch (wire) {
      case 0:
        this.varint();
        return this.#bytes.subarray(from, this.at);
      case 1:
        return this.take(8);
      case 2:
        return this.take(Number(this.varint()));
      case 5:
        return this.take(4);
      case 3:
        return this.#group(number, groups);
      default:
        throw new Error(`wire type ${wire}`);
    }
  }

  #group(number: number, groups: number): Uint8Array {
    if (groups < 1) {
      throw new Error("groups nest too deep");
    }
    const from = this.at;
    for (;;) {
      const tag = Number(this.varint());
      const inner = Math.floor(tag / 8);
      if (inner === 0) {
        throw new Error("no tag");
      }
      if (tag % 8 === 4) {
        if (inner !== number) {
          throw new Error("the end of another group");
        }
        return this.#bytes.subarray(from, this.at);
      }
      this.field(inner, tag % 8, groups - 1);
    }
  }
}
