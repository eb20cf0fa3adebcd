import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { type Message, requestMessage } from "../../src/otlp/message-description.ts";
import { oneofTable } from "../../src/otlp/message-table.ts";
import { isIdField, requestType } from "./arbitrary-messages.ts";

/** Both sides as text, one line a field, types that were seen before by their name only. */
function linesOfProto(type: protobuf.Type, seen = new Set<protobuf.Type>()): string[] {
  if (seen.has(type)) {
    return [];
  }
  seen.add(type);
  return type.fieldsArray.flatMap((field) => {
    const resolved = field.resolvedType;
    const kind =
      resolved instanceof protobuf.Enum
        ? JSON.stringify(resolved.values)
        : resolved instanceof protobuf.Type
          ? "message"
          : isIdField(field)
            ? "id"
            : field.type;
    const line = `${field.name} ${field.id} ${field.repeated} ${kind}`;
    return [line, ...(resolved instanceof protobuf.Type ? linesOfProto(resolved, seen) : [])];
  });
}

function linesOfTable(message: Message, seen = new Set<Message>()): string[] {
  if (seen.has(message)) {
    return [];
  }
  seen.add(message);
  return [...message.byNumber.values()].flatMap(({ name, number, isRepeated, type }) => {
    const kind =
      type.kind === "enum"
        ? JSON.stringify(Object.fromEntries(type.numbers))
        : type.kind === "message"
          ? "message"
          : type.scalar;
    const line = `${name} ${number} ${isRepeated} ${kind}`;
    return [line, ...(type.kind === "message" ? linesOfTable(type.message, seen) : [])];
  });
}

for (const signal of ["traces", "metrics", "logs"] as const) {
  test(`the table that reads JSON says of ${signal} what the .proto file says`, () => {
    const lines = linesOfTable(requestMessage(signal));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.sort()).toEqual(linesOfProto(requestType(signal)).sort());
  });
}

test("the table of alternatives says what the oneofs of the .proto file say", () => {
  const oneofsOf = (type: protobuf.Type): [string, string[][]][] => [
    [type.name, type.oneofsArray.filter(({ oneof }) => oneof.length > 1).map(({ oneof }) => oneof)],
    ...type.nestedArray.flatMap((nested) =>
      nested instanceof protobuf.Type ? oneofsOf(nested) : [],
    ),
  ];
  const all = requestType("traces").root.lookup("otlp");
  const declared = (all instanceof protobuf.Namespace ? all.nestedArray : [])
    .flatMap((nested) => (nested instanceof protobuf.Type ? oneofsOf(nested) : []))
    .filter(([, oneofs]) => oneofs.length > 0);
  const table = Object.entries(oneofTable).map(([name, members]) => [name, [[...members]]]);
  expect(Object.fromEntries(table)).toEqual(Object.fromEntries(declared));
});
