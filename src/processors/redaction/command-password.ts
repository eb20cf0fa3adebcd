import { textOf } from "./authorization.ts";
import { type Found, none, type Place } from "./detected.ts";
import { hasColon, isUserAndPassword } from "./user-password.ts";
import { isQuote, skipBlanks, writtenValue } from "./written-value.ts";

const blank = 0x20;
const dash = 0x2d;
/** As far as a command is looked for before its option. */
const maxCommand = 160;

const closers = Buffer.from(" \n\r,;:)]}\0");

/** A command that has begun on this line. */
const command = (names: string) => new RegExp(`(?:^|[^\\w-])(?:${names})(?![\\w-])[^\\n|;&]*$`);

/** Commands that take a password behind an option of one letter. */
const separate = new Map([
  ["p", command(String.raw`sshpass|(?:docker|podman|nerdctl|buildah|oras|registry)["',\s]+login`)],
  ["a", command("redis-cli")],
  ["w", command("ldap(?:search|add|modify|delete|whoami|passwd)")],
]);
/** Those that take it joined to the option. */
const joined = new Map([
  ["p", command(String.raw`mysql\w*|mariadb(?:-\w+)?|sshpass`)],
  ["a", command("redis-cli")],
  ["u", command("curl")],
]);
/** `.netrc` */
const netrc = /(?:^|\s)(?:machine\s+\S+|default)\s+login\s+\S+\s+password$/i;
/** SQL, before a value in quotes. */
const sql =
  /\b(?:(?:with|encrypted|set|user\s+\S+)\s+password|identified\s+(?:with\s+\S+\s+)?by(?:\s+password)?)$/i;
/** PowerShell */
const secureString = /ConvertTo-SecureString(?:\s+-String)?$/i;
/** The words before a value, whose last two letters few others have. */
const lastWord = /(?:\spassword|\sby|securestring|-string)$/i;
const longestWord = "-SecureString".length;

/** The password of a command or a statement whose form has no name with a sign, behind the blank, or the comma of a list, at `at`: `sshpass -p x`, `mysql -px`. */
export function commandPassword(bytes: Uint8Array, place: Place): Found {
  const { at, start, end } = place;
  const joinedValue = bytes[at] === blank ? joinedPassword(bytes, place) : none;
  if (joinedValue.end >= 0) {
    return joinedValue;
  }
  const nameEnd = isQuote(bytes[at - 1]) ? at - 1 : at;
  const isOption = nameEnd - 2 >= start && bytes[nameEnd - 2] === dash;
  if (!isOption && !hasEnding(bytes, start, nameEnd)) {
    return none;
  }
  const before = textOf(bytes, Math.max(start, nameEnd - maxCommand), nameEnd);
  const from = skipBlanks(bytes, at + 1, end);
  if (bytes[from] === dash) {
    return none; // the next option
  }
  const isOne = isOption
    ? isBound(bytes[nameEnd - 3]) && separate.get(before.slice(-1))?.test(before) === true
    : netrc.test(before) || secureString.test(before) || (isQuote(bytes[from]) && sql.test(before));
  return isOne ? writtenValue(bytes, from, place) : none;
}

/** `mysql -px`, `curl -uuser:x` */
function joinedPassword(bytes: Uint8Array, place: Place): Found {
  const { at, start, end } = place;
  const from = at + 3;
  if (bytes[at + 1] !== dash || from >= end || (bytes[from] ?? 0) <= blank) {
    return none;
  }
  const letter = textOf(bytes, at + 2, from);
  const pattern = joined.get(letter);
  if (
    pattern === undefined ||
    (letter === "u" && !hasColon(bytes, from, end)) ||
    !pattern.test(textOf(bytes, Math.max(start, at - maxCommand), at))
  ) {
    return none;
  }
  // A quote that closes the string around the command opens no value.
  if (isQuote(bytes[from]) && closers.includes(bytes[from + 1] ?? 0)) {
    return none;
  }
  const value = writtenValue(bytes, from, place);
  return letter !== "u" || isUserAndPassword(bytes, value) ? value : none;
}

/** Whether one of the words is before a value that the patterns look for. */
function hasEnding(bytes: Uint8Array, start: number, end: number): boolean {
  const last = (bytes[end - 1] ?? 0) | 0x20;
  const before = (bytes[end - 2] ?? 0) | 0x20;
  const isOne =
    last === 0x64
      ? before === 0x72
      : last === 0x79
        ? before === 0x62
        : last === 0x67 && before === 0x6e;
  return isOne && lastWord.test(textOf(bytes, Math.max(start, end - longestWord), end));
}

/** What is before an option: a blank or a quote. */
function isBound(byte: number | undefined): boolean {
  return byte === undefined || byte <= blank || isQuote(byte);
}
