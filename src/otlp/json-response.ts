import type { PartialSuccess } from "./encode.ts";
import type { Signal } from "./payload.ts";

const rejectedNames = {
  traces: ["rejectedSpans", "rejected_spans"],
  metrics: ["rejectedDataPoints", "rejected_data_points"],
  logs: ["rejectedLogRecords", "rejected_log_records"],
} as const satisfies Record<Signal, readonly string[]>;

/**
 * The `partialSuccess` of an answer to an export request in OTLP's JSON; nothing rejected and no message if it has none. `undefined` for bytes
 * that are not such an answer. Names in lowerCamelCase or snake_case, the number as a number or a string; unknown fields are ignored, as
 * protobuf's JSON demands.
 */
export function partialSuccessOfJson(
  signal: Signal,
  bytes: Uint8Array,
): PartialSuccess | undefined {
  const answer = parsed(bytes);
  if (!isMap(answer)) {
    return undefined;
  }
  const partial = firstOf(answer, ["partialSuccess", "partial_success"]) ?? {};
  if (!isMap(partial)) {
    return undefined;
  }
  const rejected = firstOf(partial, rejectedNames[signal]) ?? 0;
  const message = firstOf(partial, ["errorMessage", "error_message"]) ?? "";
  const isCount =
    (typeof rejected === "number" && Number.isInteger(rejected)) ||
    (typeof rejected === "string" && /^-?[0-9]{1,19}$/.test(rejected));
  if (!isCount || typeof message !== "string") {
    return undefined;
  }
  // A negative count is an error of the backend and counts as 0, as it does in protobuf.
  return { rejected: Math.max(Number(rejected), 0), message };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `null` is an absent field. */
function firstOf(map: Readonly<Record<string, unknown>>, names: readonly string[]): unknown {
  const name = names.find((each) => Object.hasOwn(map, each) && map[each] !== null);
  return name === undefined ? undefined : map[name];
}
