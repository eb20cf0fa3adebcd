import { quoted } from "./cut.ts";

/** The result of parsing a quantity. `message` completes a sentence: `"10" has no unit; …`. */
export type ParsedQuantity =
  | { readonly ok: true; readonly value: number }
  | { readonly ok: false; readonly message: string };

/** The whole of a written duration, for editors. */
export const durationPattern =
  "^(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*)$";

/** The whole of a written size with a unit, for editors. */
export const byteSizePattern = "^([0-9]+(\\.[0-9]*)?|\\.[0-9]+) ?(B|[KMGT]i?B)$";

/** Of a quantity that means something. */
const maxCharacters = 100;

const nanosecondsPerMs = 1e6;

// Micro is spelled with either of the two Unicode letters, as in Go.
const msPerUnit: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const bytesPerUnit: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/** Reads Go's notation (`10s`, `1h30m`, `1.5s`, `100us`, `0`) into milliseconds. Negative ones are refused. */
export function parseDuration(text: string): ParsedQuantity {
  const shown = quoted(text);
  if (text.length > maxCharacters) return refuse(`${shown} is too long for a duration.`);
  // As in Go: it is the same in every unit.
  if (text === "0") return { ok: true, value: 0 };
  if (/^-?[0-9]+(\.[0-9]*)?$/.test(text)) {
    return refuse(
      `${shown} has no unit; write "${text}s" for seconds or "${text}ms" for milliseconds.`,
    );
  }
  if (text.startsWith("-")) return refuse(`must not be negative, but is ${shown}.`);
  if (!new RegExp(durationPattern).test(text)) {
    return refuse(
      `${shown} is not a duration; write a number and a unit, e.g. "10s", "1h30m", "500ms".`,
    );
  }
  let totalMs = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/([0-9.]+)([a-zµμ]+)/g)) {
    totalMs += Number(amount) * (msPerUnit[unit] ?? Number.NaN);
  }
  if (!Number.isSafeInteger(Math.floor(totalMs))) return refuse(`${shown} is too long.`);
  // Sums of decimals drift; a nanosecond is the finest unit that can be written.
  const rounded = Math.round(totalMs * nanosecondsPerMs) / nanosecondsPerMs;
  return { ok: true, value: Number.isInteger(totalMs) ? totalMs : rounded };
}

/** Milliseconds in the shortest notation that {@link parseDuration} reads back to the same number. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0s";
  const wholeMs = Math.floor(durationMs);
  const hours = Math.floor(wholeMs / 3_600_000);
  const minutes = Math.floor((wholeMs % 3_600_000) / 60_000);
  const seconds = Math.floor((wholeMs % 60_000) / 1_000);
  const ms = wholeMs % 1_000;
  const nanoseconds = Math.round((durationMs - wholeMs) * nanosecondsPerMs);
  return [
    hours > 0 ? `${hours}h` : "",
    minutes > 0 ? `${minutes}m` : "",
    seconds > 0 ? `${seconds}s` : "",
    ms > 0 ? `${ms}ms` : "",
    nanoseconds >= 1_000 ? `${Math.floor(nanoseconds / 1_000)}us` : "",
    nanoseconds % 1_000 > 0 ? `${nanoseconds % 1_000}ns` : "",
  ].join("");
}

/** Reads `4MiB`, `512 KB` or a plain number of bytes written as text into whole bytes. */
export function parseByteSize(text: string): ParsedQuantity {
  const shown = quoted(text);
  if (text.length > maxCharacters) return refuse(`${shown} is too long for a size.`);
  const plain = /^[0-9]+$/.test(text);
  if (text.startsWith("-")) return refuse(`must not be negative, but is ${shown}.`);
  if (!plain && !new RegExp(byteSizePattern).test(text)) {
    return refuse(
      `${shown} is not a size; write a whole number of bytes or a number and a unit, e.g. "4MiB", "512KiB", "1GB".`,
    );
  }
  const match = /^([0-9.]+) ?([A-Za-z]*)$/.exec(text);
  const value = Number(match?.[1]) * (bytesPerUnit[match?.[2] || "B"] ?? Number.NaN);
  if (!Number.isSafeInteger(Math.floor(value))) return refuse(`${shown} is too large.`);
  if (!Number.isInteger(value)) return refuse(`${shown} is not a whole number of bytes.`);
  return { ok: true, value };
}

/** Bytes in the largest unit that divides them, e.g. `4MiB`, `1500B`. */
export function formatByteSize(sizeBytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "KB"]) {
    const factor = bytesPerUnit[unit] ?? 1;
    if (sizeBytes >= factor && sizeBytes % factor === 0) return `${sizeBytes / factor}${unit}`;
  }
  return `${sizeBytes}B`;
}

function refuse(message: string): ParsedQuantity {
  return { ok: false, message };
}
