import { z } from "zod";
import { kindOf } from "./issue-words.ts";
import { Opaque } from "./opaque.ts";
import {
  byteSizePattern,
  durationPattern,
  formatByteSize,
  formatDuration,
  type ParsedQuantity,
  parseByteSize,
  parseDuration,
} from "./quantity.ts";
import { type Endpoint, parseEndpoint } from "./written-endpoint.ts";

/** Bounds in written form, both inclusive. */
export interface Bounds {
  readonly min?: string;
  readonly max?: string;
}

/**
 * The longest duration unless an option sets its own bound. Timers of the runtime, which servers and clients set for themselves, end
 * after 1 ms if they are longer than 2^31-1 ms, which is a little more than this.
 */
const longestDuration = "576h";

/**
 * A duration as written in Go (`10s`, `1h30m`, `500ms`); milliseconds when read, possibly fractional; at most 576h unless `bounds` says
 * otherwise. A number without a unit is refused with a hint, but for 0. Defaults in written form: `duration().prefault("10s")`.
 */
export function duration(bounds: Bounds = {}) {
  const { min, max = longestDuration } = bounds;
  const written = z
    .union([z.string().meta({ pattern: durationPattern }), z.literal(0)], {
      error: durationTypeMessage,
    })
    .meta({ title: `duration${rangeOf(bounds)}`, examples: ["10s", "1h30m", "500ms"] });
  return z.codec(written, z.number(), {
    decode: (text, context) =>
      bounded(
        parseDuration(String(text)),
        { ...(min === undefined ? {} : { min }), max },
        { parse: parseDuration, format: formatDuration },
        (message) => context.issues.push({ code: "custom", input: text, message }),
      ),
    encode: formatDuration,
  });
}

/** The bounds as a part of a title; empty if there are none. */
function rangeOf({ min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) {
    return `, ${min} to ${max}`;
  }
  return `${min === undefined ? "" : `, at least ${min}`}${max === undefined ? "" : `, at most ${max}`}`;
}

/**
 * A size as a whole number of bytes or with a unit (`4MiB`, `512KiB`, `1GB`); whole bytes when read.
 * Defaults in written form: `byteSize().prefault("20MiB")`.
 */
export function byteSize(bounds: Bounds = {}) {
  const written = z
    .union([z.string().meta({ pattern: byteSizePattern }), z.int().meta({ minimum: 0 })], {
      error: (issue) =>
        `must be a size, e.g. "4MiB", or a whole number of bytes, but is ${shown(issue.input)}.`,
    })
    .meta({ title: `size${rangeOf(bounds)}`, examples: ["4MiB", "512KiB", 4194304] });
  return z.codec(written, z.number(), {
    decode: (size, context) =>
      bounded(
        parseByteSize(String(size)),
        bounds,
        { parse: parseByteSize, format: formatByteSize },
        (message) => context.issues.push({ code: "custom", input: size, message }),
      ),
    encode: formatByteSize,
  });
}

/** `host:port`, e.g. `127.0.0.1:4318`, `localhost:4318`, `[::1]:4318`. Port 0 asks for any free port. */
export function endpoint() {
  const written = z.string({ error: portTypeMessage }).meta({
    title: "endpoint",
    pattern: "^(\\[[^\\]]+\\]|[^:/\\s]+):[0-9]{1,5}$",
    examples: ["127.0.0.1:4318", "[::1]:4318"],
  });
  return z.codec(written, z.custom<Endpoint>(isEndpoint), {
    decode: (text, context) => {
      const parsed = parseEndpoint(text);
      if (typeof parsed !== "string") return parsed;
      context.issues.push({ code: "custom", input: text, message: parsed });
      return z.NEVER;
    },
    encode: ({ host, port }) => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`),
  });
}

/** A secret text. It is an {@link Opaque} when read, which shows as `[REDACTED]` wherever it is printed. */
export function opaque() {
  return hiddenText(z.string().meta({ title: "secret" }));
}

/** A text that is no secret, but is shown no more than one: a name of somebody. */
export function hiddenText(written: z.ZodString) {
  return z.codec(written, z.instanceof(Opaque), {
    decode: (text) => new Opaque(text),
    encode: (secret) => secret.reveal(),
  });
}

interface Notation {
  readonly parse: (text: string) => ParsedQuantity;
  readonly format: (value: number) => string;
}

function bounded(
  parsed: ParsedQuantity,
  bounds: Bounds,
  notation: Notation,
  report: (message: string) => void,
): number {
  if (!parsed.ok) {
    report(parsed.message);
    return z.NEVER;
  }
  const { value } = parsed;
  const min = limitOf(bounds.min, notation);
  const max = limitOf(bounds.max, notation);
  if (min !== undefined && value < min) {
    report(`must be at least ${bounds.min}, but is ${notation.format(value)}.`);
  }
  if (max !== undefined && value > max) {
    report(`must be at most ${bounds.max}, but is ${notation.format(value)}.`);
  }
  return value;
}

function limitOf(text: string | undefined, notation: Notation): number | undefined {
  if (text === undefined) return undefined;
  const parsed = notation.parse(text);
  if (!parsed.ok) throw new Error(`A schema's own bound is unreadable: ${parsed.message}`);
  return parsed.value;
}

function durationTypeMessage({ input }: { readonly input: unknown }): string {
  const parsed = typeof input === "number" ? parseDuration(String(input)) : undefined;
  return parsed?.ok === false ? parsed.message : `must be text, but is ${kindOf(input)}.`;
}

/** For an endpoint that was written as a number. */
export function portTypeMessage(issue: { readonly input: unknown }): string | undefined {
  return typeof issue.input === "number"
    ? `must be a host and a port in quotes, e.g. "127.0.0.1:${issue.input}".`
    : undefined;
}

function isEndpoint(value: unknown): boolean {
  return typeof value === "object" && value !== null && "host" in value && "port" in value;
}

function shown(value: unknown): string {
  return typeof value === "object" && value !== null
    ? Array.isArray(value)
      ? "a list"
      : "a map"
    : JSON.stringify(value);
}
