import type { otlp } from "../../otlp/proto/generated.js";

type AnyValue = otlp.AnyValue.$Properties;
type KeyValues = readonly otlp.KeyValue.$Properties[] | null | undefined;
/** A 64-bit number as protobufjs gives it. */
type Wide = { toString(): string } | null | undefined;

/** The value without its type; maps and lists as JSON. */
export function plainValue(value: AnyValue | null | undefined): string {
  const json = toJson(value);
  return printable(
    typeof json === "string" ? json : json === undefined ? "" : JSON.stringify(json),
  );
}

/** The value with its type, e.g. `Str(read)`, `Int(3)`, `Map({"a":1})`, `Empty()`. */
export function typedValue(value: AnyValue | null | undefined): string {
  return `${typeNames[value?.value ?? "none"]}(${plainValue(value)})`;
}

/** ` key=value` for each, in their order: the attributes in a line of normal verbosity. */
export function inlineAttributes(attributes: KeyValues): string {
  let text = "";
  for (const { key, value } of attributes ?? []) {
    text += ` ${printable(key ?? "")}=${plainValue(value)}`;
  }
  return text;
}

/** A heading and a line for each attribute, all behind `indent`; nothing when there are none. */
export function attributeLines(
  heading: string,
  attributes: KeyValues,
  indent = "",
): readonly string[] {
  return attributes === null || attributes === undefined || attributes.length === 0
    ? []
    : [
        `${indent}${heading}:`,
        ...attributes.map(
          ({ key, value }) => `${indent}     -> ${printable(key ?? "")}: ${typedValue(value)}`,
        ),
      ];
}

/** An id as lower-case hex; empty if there is none. */
export function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}

/** Nanoseconds since 1970 as a time in UTC, with all nine digits. */
export function time(unixNano: Wide): string {
  const nanos = BigInt(String(unixNano ?? 0));
  if (nanos === 0n) {
    return "not set";
  }
  const seconds = new Date(Number(nanos / 1_000_000_000n) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(nanos % 1_000_000_000n).padStart(9, "0")}Z`;
}

/**
 * The text without characters that would move the cursor, colour the terminal or begin a line of their own:
 * a sender could forge output with them.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression searches for them
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return shortEscapes.get(character) ?? `\\u${code.padStart(4, "0")}`;
  });
}

const shortEscapes = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

const typeNames = {
  stringValue: "Str",
  boolValue: "Bool",
  intValue: "Int",
  doubleValue: "Double",
  arrayValue: "Slice",
  kvlistValue: "Map",
  bytesValue: "Bytes",
  none: "Empty",
} as const;

function toJson(value: AnyValue | null | undefined): unknown {
  switch (value?.value) {
    case "stringValue":
      return value.stringValue;
    case "boolValue":
      return value.boolValue;
    case "intValue": {
      const text = String(value.intValue);
      return Number.isSafeInteger(Number(text)) ? Number(text) : text;
    }
    case "doubleValue":
      return Number.isFinite(value.doubleValue) ? value.doubleValue : String(value.doubleValue);
    case "arrayValue":
      return (value.arrayValue?.values ?? []).map((each) => toJson(each) ?? null);
    case "kvlistValue":
      return Object.fromEntries(
        (value.kvlistValue?.values ?? []).map((each) => [
          each.key ?? "",
          toJson(each.value) ?? null,
        ]),
      );
    case "bytesValue":
      return Buffer.from(value.bytesValue ?? []).toString("base64");
    default:
      return undefined;
  }
}
