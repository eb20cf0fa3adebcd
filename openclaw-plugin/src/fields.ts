/** Reads fields of OpenClaw's objects, which may hold values of any type. */

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** A text that is not empty. */
export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Whole Unix milliseconds whose nanoseconds fit the 64 bits OTLP has for them. */
export function time(value: unknown): number | undefined {
  const ms = number(value);
  return ms !== undefined && ms >= 0 && ms <= 1.7e13 ? Math.round(ms) : undefined;
}

export function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** A count or a duration: whole, not negative, and exact. */
export function natural(value: unknown): number | undefined {
  const whole = number(value);
  return whole !== undefined && whole >= 0 && whole <= Number.MAX_SAFE_INTEGER
    ? Math.floor(whole)
    : undefined;
}

/** One of the texts in `values`. */
export function oneOf<const T extends string>(values: readonly T[], value: unknown): T | undefined {
  return values.find((known) => known === value);
}
