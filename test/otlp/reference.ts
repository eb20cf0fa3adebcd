import protobuf from "protobufjs";
import { otlp } from "../../src/otlp/proto/generated.js";
import { attributeTypes, type SpanBatch } from "../../src/otlp/span-batch.ts";
import { keys } from "./arbitrary-traces.ts";

/** What is compared of a span, in words that neither reader uses. */
export interface SpanFacts {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly start: bigint;
  readonly end: bigint;
  readonly name: string;
  readonly statusCode: number;
  readonly scopeName: string;
  readonly attributes: readonly AttributeFacts[];
  readonly resourceAttributes: readonly AttributeFacts[];
}

/** Of arrays and maps the type only; their parts are merged or not, which nobody asks for. */
export type AttributeFacts = readonly [key: string, type: string, value: string];

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The well-formed spans of a request as protobufjs reads them. Throws what it throws. */
export function factsByProtobufjs(bytes: Uint8Array): SpanFacts[] {
  const facts: SpanFacts[] = [];
  for (const { resource, scopeSpans } of otlp.ExportTraceServiceRequest.decode(bytes)
    .resourceSpans) {
    const resourceAttributes = attributeFacts(resource?.attributes ?? [], keys.resource.names);
    for (const { scope, spans } of scopeSpans ?? []) {
      for (const span of spans ?? []) {
        const traceId = hex(span.traceId ?? new Uint8Array());
        const spanId = hex(span.spanId ?? new Uint8Array());
        const parentId = hex(span.parentSpanId ?? new Uint8Array());
        if (isId(traceId, 16) && isId(spanId, 8)) {
          facts.push({
            traceId,
            spanId,
            parentId: parentId.length === 16 ? parentId : "0".repeat(16),
            start: unsigned(span.startTimeUnixNano),
            end: unsigned(span.endTimeUnixNano),
            name: span.name ?? "",
            statusCode: span.status?.code ?? 0,
            scopeName: scope?.name ?? "",
            attributes: attributeFacts(span.attributes ?? [], keys.span.names),
            resourceAttributes,
          });
        }
      }
    }
  }
  return facts;
}

/** The same out of the columns of a scan with `keys`. */
export function factsByScanner(batch: SpanBatch): SpanFacts[] {
  const word = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
  const text = (start: number, end: number): string =>
    decoder.decode(batch.bytes.subarray(start, end));
  return Array.from({ length: batch.count }, (_, row) => {
    const resource = batch.resource.get(row);
    return {
      traceId: [batch.traceId0, batch.traceId1, batch.traceId2, batch.traceId3]
        .map((column) => word(column.get(row)))
        .join(""),
      spanId: word(batch.spanId0.get(row)) + word(batch.spanId1.get(row)),
      parentId: word(batch.parentId0.get(row)) + word(batch.parentId1.get(row)),
      start: wide(batch.startHi.get(row), batch.startLo.get(row)),
      end: wide(batch.endHi.get(row), batch.endLo.get(row)),
      name: text(batch.nameStart.get(row), batch.nameEnd.get(row)),
      statusCode: batch.statusCode.get(row),
      scopeName: text(batch.scopeNameStart.get(row), batch.scopeNameEnd.get(row)),
      attributes: attributeRows(
        batch,
        { from: batch.attributesFrom.get(row), to: batch.attributesTo.get(row) },
        keys.span.names,
      ),
      resourceAttributes: attributeRows(
        batch,
        {
          from: batch.resourceAttributesFrom.get(resource),
          to: batch.resourceAttributesTo.get(resource),
        },
        keys.resource.names,
      ),
    };
  });
}

/**
 * What the scanner must accept, told by protobufjs over a schema that goes just as deep: whatever
 * nobody looks into is bytes in it or left out. Undefined when the envelope cannot be decoded, else
 * whether each span is well-formed.
 */
export function verdictsByProtobufjs(bytes: Uint8Array): boolean[] | undefined {
  const spans = decoded("Request", bytes)?.["parts"];
  if (!Array.isArray(spans)) {
    return undefined;
  }
  return spans.flatMap(({ scopeParts }) =>
    scopeParts.flatMap(({ spans }: { spans: Uint8Array[] }) => spans.map(isWellFormed)),
  );
}

const shallow = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated Part parts = 1; }
  message Part { Resource resource = 1; repeated ScopePart scope_parts = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopePart { Scope scope = 1; repeated bytes spans = 2; }
  message Scope { bytes name = 1; }
  message KeyValue { bytes key = 1; bytes value = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; bytes name = 5;
    fixed64 start = 7; fixed64 end = 8; repeated KeyValue attributes = 9; Status status = 15;
  }
  message Status { int64 code = 3; }
`).root;

/** protobufjs passes over varints of any length in unknown fields; protobuf allows ten bytes. */
class StrictReader extends protobuf.Reader {
  override skip(length?: number): this {
    const start = this.pos;
    super.skip(length);
    if (length === undefined && this.pos - start > 10) {
      throw new Error("a varint is too long");
    }
    return this;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what reflection decodes has no type
function decoded(type: string, bytes: Uint8Array): any {
  try {
    return shallow.lookupType(type).decode(new StrictReader(bytes));
  } catch {
    return undefined;
  }
}

function isWellFormed(bytes: Uint8Array): boolean {
  const span = decoded("Span", bytes);
  return span !== undefined && isId(hex(span.traceId), 16) && isId(hex(span.spanId), 8);
}

function isId(text: string, length: number): boolean {
  return text.length === 2 * length && !/^0*$/.test(text);
}

function attributeFacts(
  attributes: readonly otlp.KeyValue.$Properties[],
  names: readonly string[],
): AttributeFacts[] {
  return attributes.flatMap(({ key, value }): AttributeFacts[] => {
    const name = key ?? "";
    if (!names.includes(name) || !value) {
      return [];
    }
    const { stringValue, boolValue, intValue, doubleValue, bytesValue } = value;
    if (typeof stringValue === "string") {
      return [[name, "string", stringValue]];
    }
    if (typeof boolValue === "boolean") {
      return [[name, "bool", String(boolValue)]];
    }
    if (intValue) {
      return [[name, "int", String(BigInt.asIntN(64, unsigned(intValue)))]];
    }
    if (typeof doubleValue === "number") {
      return [[name, "double", String(doubleValue)]];
    }
    if (bytesValue) {
      return [[name, "bytes", hex(bytesValue)]];
    }
    if (value.arrayValue) {
      return [[name, "array", ""]];
    }
    return value.kvlistValue ? [[name, "kvlist", ""]] : [];
  });
}

function attributeRows(
  batch: SpanBatch,
  rows: { from: number; to: number },
  names: readonly string[],
): AttributeFacts[] {
  return Array.from({ length: rows.to - rows.from }, (_, i) => {
    const row = rows.from + i;
    const a = batch.attributeA.get(row);
    const b = batch.attributeB.get(row);
    const type = batch.attributeType.get(row);
    const name = names[batch.attributeKey.get(row)] ?? "no such key";
    const bits = wide(a, b);
    switch (type) {
      case attributeTypes.string:
        return [name, "string", decoder.decode(batch.bytes.subarray(a, b))];
      case attributeTypes.bool:
        return [name, "bool", String(a === 1)];
      case attributeTypes.int:
        return [name, "int", String(BigInt.asIntN(64, bits))];
      case attributeTypes.double:
        return [name, "double", String(Buffer.from(BigUint64Array.of(bits).buffer).readDoubleLE())];
      case attributeTypes.bytes:
        return [name, "bytes", hex(batch.bytes.subarray(a, b))];
      case attributeTypes.array:
        return [name, "array", ""];
      case attributeTypes.kvlist:
        return [name, "kvlist", ""];
      default:
        throw new Error(`No attribute has the type ${type}.`);
    }
  });
}

function unsigned(value: protobuf.Long | null | undefined): bigint {
  return value ? wide(value.high, value.low) : 0n;
}

function wide(hi: number, lo: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
