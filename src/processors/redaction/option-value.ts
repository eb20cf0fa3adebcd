import { textOf } from "./authorization.ts";
import { type Found, none, type Place } from "./detected.ts";
import { nameAt } from "./name-before.ts";
import { couldBeSecretName } from "./secret-names.ts";
import { hasColon, isUserAndPassword } from "./user-password.ts";
import { isLineEnd } from "./value-ends.ts";
import { isBlank, isQuote, skipBlanks, skipWhite, writtenValue } from "./written-value.ts";

const dash = 0x2d;
const comma = 0x2c;
const boundaries = Buffer.from("\"'`[,");

/**
 * The value of an option of a command behind the blank, or the comma of a list, at `at`: `--token x`, `"--password", "x"`, and the user and
 * password of `curl -u user:password`.
 */
export function optionValue(bytes: Uint8Array, place: Place): Found {
  const { start, at, end } = place;
  const last = bytes[at - 1];
  if (isQuote(last)) {
    if (!couldBeOption(bytes, start, at - 1)) {
      return none;
    }
  } else if (bytes[at] === comma || at === start || !couldBeOption(bytes, start, at)) {
    return none;
  }
  const nameEnd = isQuote(last) ? at - 1 : at;
  const isUser = isUserOption(bytes, start, nameEnd);
  const name = isUser ? none : nameAt(bytes, nameEnd, place);
  if (!isUser && (name.end < 0 || bytes[name.start] !== dash)) {
    return none;
  }
  const from = bytes[at] === comma ? skipWhite(bytes, at + 1, end) : skipBlanks(bytes, at + 1, end);
  if (bytes[from] === dash) {
    return none; // the next option
  }
  if (isUser && !hasColon(bytes, from, end)) {
    return none;
  }
  const value = writtenValue(bytes, from, place);
  return !isUser || isUserAndPassword(bytes, value) ? value : none;
}

/** Most words are none, without a look at more than their ends. */
function couldBeOption(bytes: Uint8Array, start: number, end: number): boolean {
  const last = bytes[end - 1] ?? 0;
  return last === 0x75 || last === 0x55 || last === 0x72 || couldBeSecretName(bytes, start, end);
}

/** Whether the option that ends before `end` is `-u`, `-U`, `--user` or `--proxy-user`. */
function isUserOption(bytes: Uint8Array, start: number, end: number): boolean {
  const last = (bytes[end - 1] ?? 0) | 0x20;
  if (last === 0x75) {
    const dashAt = end - 2;
    return (
      dashAt >= start && bytes[dashAt] === dash && (dashAt === start || isBound(bytes[dashAt - 1]))
    );
  }
  return last === 0x72 && end - 6 >= start && textOf(bytes, end - 5, end) === "-user";
}

/** What is before an option: a blank or a quote. */
function isBound(byte: number | undefined): boolean {
  return byte !== undefined && (isBlank(byte) || isLineEnd(byte) || boundaries.includes(byte));
}
