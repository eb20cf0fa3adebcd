const longestMs = 86_400_000;

/**
 * Milliseconds to wait from a `Retry-After` header, which is a number of seconds or an HTTP date.
 * A date in the past is 0. `undefined` for no header and for anything else. At most a day.
 */
export function retryAfterMsOf(header: string | undefined, unixMs: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^[0-9]+$/.test(text)) {
    return Math.min(Number(text) * 1_000, longestMs);
  }
  // Only the one form of date that is in use today: the obsolete ones leave the time zone open.
  if (/^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT$/.test(text)) {
    const untilMs = Date.parse(text);
    return Number.isNaN(untilMs) ? undefined : Math.min(Math.max(untilMs - unixMs, 0), longestMs);
  }
  return undefined;
}
