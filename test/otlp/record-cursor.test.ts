import { expect, test } from "vitest";
import { otlp } from "../../src/otlp/proto/generated.js";
import { RecordCursor } from "../../src/otlp/record-cursor.ts";
import fc from "../support/fast-check.ts";

interface Seen {
  readonly resource: number | undefined;
  readonly scope: string;
  readonly record: string;
}

function walk(bytes: Uint8Array): readonly Seen[] {
  const seen: Seen[] = [];
  for (const cursor = new RecordCursor(bytes); cursor.next(); ) {
    seen.push({
      resource: otlp.Resource.decode(cursor.resource()).droppedAttributesCount ?? 0,
      scope: otlp.InstrumentationScope.decode(cursor.scope()).name ?? "",
      record: otlp.LogRecord.decode(bytes.subarray(cursor.start, cursor.end)).eventName ?? "",
    });
    // The tag of field 2, length-delimited.
    expect(bytes[cursor.fieldStart]).toBe(0x12);
  }
  return seen;
}

test("a walk finds each record, its resource and its scope, whatever parts are empty", () => {
  const scopeLogs = fc.record({
    scope: fc.option(fc.record({ name: fc.string() }), { nil: null }),
    logRecords: fc.array(fc.record({ eventName: fc.string() }), { maxLength: 3 }),
    schemaUrl: fc.constantFrom("", "url"),
  });
  const resourceLogs = fc.record({
    resource: fc.option(fc.record({ droppedAttributesCount: fc.nat() }), { nil: null }),
    scopeLogs: fc.array(scopeLogs, { maxLength: 3 }),
    schemaUrl: fc.constantFrom("", "url"),
  });
  fc.assert(
    fc.property(fc.array(resourceLogs, { maxLength: 3 }), (parts) => {
      const bytes = otlp.ExportLogsServiceRequest.encode({ resourceLogs: parts }).finish();
      const want = parts.flatMap(({ resource, scopeLogs: scopes }) =>
        scopes.flatMap(({ scope, logRecords }) =>
          logRecords.map(({ eventName }) => ({
            resource: resource?.droppedAttributesCount ?? 0,
            scope: scope?.name ?? "",
            record: eventName,
          })),
        ),
      );
      expect(walk(bytes)).toEqual(want);
    }),
  );
});

test("a resource that is behind its records, in two pieces, is merged", () => {
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Uint8Array.of((number << 3) | 2, bytes.length), bytes]);
  const resource = (droppedAttributesCount: number) =>
    field(1, otlp.Resource.encode({ droppedAttributesCount }).finish());
  const records = field(2, field(2, otlp.LogRecord.encode({ eventName: "a" }).finish()));
  const bytes = field(1, Buffer.concat([records, resource(1), resource(2)]));
  expect(walk(new Uint8Array(bytes))).toEqual([{ resource: 2, scope: "", record: "a" }]);
});

test("a walk through bytes that are no request ends", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      let records = 0;
      for (const cursor = new RecordCursor(bytes); cursor.next(); ) {
        records += 1;
      }
      expect(records).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
