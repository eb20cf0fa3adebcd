import type { z } from "zod";
import { nearestName } from "./nearest-name.ts";
import { parseByteSize } from "./quantity.ts";

type RawIssue = z.core.$ZodRawIssue;

/** The message of a union if no alternative fits and the schema has no message of its own. */
export const noAlternativeFits = "has a value of the wrong kind.";

/** The message of an absent value. */
export const isRequired = "is required.";

/**
 * The messages for the issues that zod finds, for `safeParse`. A schema's own message has precedence.
 * They complete a sentence that begins with the path, and show a value only where it is one of a
 * closed list or a number, never a text that might be a secret.
 */
export function issueWords(issue: RawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return wrongTypeWords(issue.expected, issue.input, String(issue.path?.at(-1) ?? ""));
    case "invalid_value":
      return wrongValueWords(issue.values, issue.input);
    case "invalid_union":
      return noAlternativeFits;
    case "too_small":
      return tooSmallWords(issue.origin, issue.minimum, {
        inclusive: issue.inclusive !== false,
        input: issue.input,
      });
    case "too_big":
      return tooBigWords(issue.origin, issue.maximum, {
        inclusive: issue.inclusive !== false,
        input: issue.input,
      });
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}.`;
    case "invalid_format":
      return issue.format === "regex"
        ? `must match the pattern ${issue.pattern ?? ""}.`
        : `must be a well-formed ${formatNames[issue.format] ?? issue.format}.`;
    case "unrecognized_keys":
      return `has unknown keys: ${issue.keys.join(", ")}.`;
    case "invalid_key":
      return "has a key that is not allowed.";
    default:
      return "is not valid.";
  }
}

/** ` Did you mean "…"?` with a leading blank, or nothing. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  const nearest = nearestName(name, candidates);
  return nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
}

/** `a list`, `a number`, …: what kind of thing a value is, in the words of someone who writes YAML. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      return "text";
    case "number":
    case "bigint":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "a map";
  }
}

/** The names of zod's types for someone who writes YAML. */
export const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  tuple: "a list",
  object: "a map",
  record: "a map",
  map: "a map",
};

const formatNames: Readonly<Record<string, string>> = {
  url: 'URL, e.g. "http://127.0.0.1:4318"',
  ipv4: "IPv4 address",
  ipv6: "IPv6 address",
};

function wrongTypeWords(expected: string, input: unknown, key: string): string {
  if (input === undefined) return isRequired;
  const wanted = typeNames[expected] ?? expected;
  if (expected === "never") return "is not allowed; remove it.";
  if (expected === "int" && typeof input === "number") return `must be ${wanted}, but is ${input}.`;
  if (typeof input === "number" && !Number.isFinite(input)) {
    return `must be ${wanted}, but is a number that is too large.`;
  }
  const isUnquoted =
    expected === "string" && (typeof input === "number" || typeof input === "boolean");
  const isNumber = expected === "number" || expected === "int";
  const hint = isNumber && typeof input === "string" ? numberHint(input, key) : "";
  return `must be ${wanted}, but is ${kindOf(input)}.${isUnquoted ? " Write it in quotes." : hint}`;
}

/** What to write instead of a text with a unit or in quotes, or nothing. Only a text of such a form is shown. */
function numberHint(text: string, key: string): string {
  if (/^-?[0-9]+(\.[0-9]+)?$/.test(text)) return " Write it without quotes.";
  const percent = /^([0-9]+) ?%$/.exec(text)?.[1];
  if (percent !== undefined) return key.endsWith("_percentage") ? ` Write ${percent}.` : "";
  const size = parseByteSize(text);
  if (!size.ok) return "";
  if (!/_(mib|megabytes)$/.test(key)) {
    return ` Write the number only; ${text} is ${size.value} in bytes.`;
  }
  const mebibytes = size.value / 2 ** 20;
  return Number.isInteger(mebibytes) ? ` Write ${mebibytes}.` : " Write a number of MiB.";
}

/** The message of a value that is none of `values`. */
export function wrongValueWords(values: readonly unknown[], input: unknown): string {
  const names = values.map((value) => (value === "" ? '""' : String(value)));
  const choices = names.length === 1 ? `${names[0]}` : `one of ${names.join(", ")}`;
  if (input === undefined) return `is required; it must be ${choices}.`;
  if (typeof input !== "string") {
    const value =
      typeof input === "number" || typeof input === "boolean" ? String(input) : kindOf(input);
    return `must be ${choices}, but is ${value}.`;
  }
  return `must be ${choices}, but is ${JSON.stringify(input.slice(0, 60))}.${didYouMean(input, names)}`;
}

interface Bound {
  readonly inclusive: boolean;
  readonly input: unknown;
}

function tooSmallWords(origin: string, minimum: number | bigint, bound: Bound): string {
  const count = Number(minimum);
  if (origin === "string")
    return count <= 1 ? "must not be empty." : `must have at least ${count} characters.`;
  if (origin === "array" || origin === "set" || origin === "object") {
    return `must have at least ${count} ${count === 1 ? "entry" : "entries"}.`;
  }
  return `must be ${bound.inclusive ? "at least" : "more than"} ${minimum}, but is ${String(bound.input)}.`;
}

function tooBigWords(origin: string, maximum: number | bigint, bound: Bound): string {
  const count = Number(maximum);
  if (origin === "string") return `must have at most ${count} characters.`;
  if (origin === "array" || origin === "set" || origin === "object") {
    return `must have at most ${count} ${count === 1 ? "entry" : "entries"}.`;
  }
  return `must be ${bound.inclusive ? "at most" : "less than"} ${maximum}, but is ${String(bound.input)}.`;
}
