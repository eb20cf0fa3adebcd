import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import type { Signal } from "../../src/otlp/payload.ts";
import type { Transport } from "./transport.ts";

/**
 * A message in the form of OTLP's JSON: ids in hex, 64-bit integers as strings, enums as numbers, other bytes in base64. The suite encodes and
 * decodes with protobufjs by reflection, not with the code under test.
 */
export type Message = Readonly<Record<string, unknown>>;

const proto = readFileSync(
  join(import.meta.dirname, "..", "..", "src", "otlp", "proto", "otlp.proto"),
  "utf8",
);
const { root } = protobuf.parse(proto);

export const requestTypes = {
  traces: "ExportTraceServiceRequest",
  metrics: "ExportMetricsServiceRequest",
  logs: "ExportLogsServiceRequest",
} as const satisfies Record<Signal, string>;

export const responseTypes = {
  traces: "ExportTraceServiceResponse",
  metrics: "ExportMetricsServiceResponse",
  logs: "ExportLogsServiceResponse",
} as const satisfies Record<Signal, string>;

export function toProtobuf(type: string, message: Message): Uint8Array {
  const messageType = root.lookupType(`otlp.${type}`);
  return messageType.encode(messageType.fromObject(recoded(message, "hex", "base64"))).finish();
}

/** Fails as an assertion for bytes that are no such message. */
export function fromProtobuf(type: string, bytes: Uint8Array): Message {
  const messageType = root.lookupType(`otlp.${type}`);
  try {
    const decoded = messageType.toObject(messageType.decode(bytes), {
      longs: String,
      bytes: String,
    });
    return recoded(decoded, "base64", "hex");
  } catch (error) {
    return assert.fail(`The bytes are no ${type}: ${String(error)}`);
  }
}

/** Bytes as a field of a message around them. */
export function inField(number: number, bytes: Uint8Array): Uint8Array {
  return protobuf.Writer.create()
    .uint32((number << 3) | 2)
    .bytes(bytes)
    .finish();
}

export function toJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** Fails as an assertion for bytes that are no JSON object. */
export function fromJson(bytes: Uint8Array): Message {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
  } catch {
    assert.fail("The bytes are no JSON.");
  }
  assert.ok(isMessage(value), "The JSON is no object.");
  return value;
}

export function encodeMessage(transport: Transport, type: string, message: Message): Uint8Array {
  return transport === "http/json" ? toJson(message) : toProtobuf(type, message);
}

export function decodeMessage(transport: Transport, type: string, bytes: Uint8Array): Message {
  return transport === "http/json" ? fromJson(bytes) : fromProtobuf(type, bytes);
}

export function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const idKeys = new Set(["traceId", "spanId", "parentSpanId"]);

function recoded(message: Message, from: BufferEncoding, to: BufferEncoding): Message {
  const convert = (key: string, value: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map((each) => convert(key, each));
    }
    if (isMessage(value)) {
      return recoded(value, from, to);
    }
    return typeof value === "string" && idKeys.has(key)
      ? Buffer.from(value, from).toString(to)
      : value;
  };
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [key, convert(key, value)]),
  );
}
