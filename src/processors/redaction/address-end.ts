import { textOf } from "./authorization.ts";
import { isAt } from "./detected.ts";

/** The first part of an address begins at `from`, its `@` is at `at`, in a text up to `end`. */
interface Address {
  readonly from: number;
  readonly at: number;
  readonly end: number;
}

const maxDomain = 253;
const punycode = Buffer.from("xn--");
const openBracket = 0x5b;
const longestServer = 56;
/** `bob@[192.0.2.1]` */
const addressOfIp = /^\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|IPv6:[0-9A-Fa-f:.]{2,45})\]/;
/** Of the ids of WhatsApp those that are no domains. */
const server = /^(?:lid|newsletter)(?![\w.-])/;
const minNumber = 5;

/** Where the address ends whose `@` is at `at`: behind a domain, an address of IP in brackets or the name of a server of WhatsApp; -1 for none. */
export function addressEnd(bytes: Uint8Array, address: Address): number {
  const { at, end } = address;
  const to = domainEnd(bytes, at + 1, Math.min(end, at + 1 + maxDomain));
  return to < 0 ? otherServerEnd(bytes, address) : to;
}

/** Where an address of IP in brackets ends, or the name of a server behind a number, as in ids of WhatsApp; -1 for none. */
function otherServerEnd(bytes: Uint8Array, { from, at, end }: Address): number {
  const first = bytes[at + 1];
  if (first !== openBracket && first !== 0x6c && first !== 0x6e) {
    return -1;
  }
  const text = textOf(bytes, at + 1, Math.min(end, at + 1 + longestServer));
  if (first === openBracket) {
    return at + 1 + (addressOfIp.exec(text)?.[0].length ?? -at - 2);
  }
  const name = server.exec(text)?.[0] ?? "";
  return name !== "" && isNumber(bytes, from, at) ? at + 1 + name.length : -1;
}

/** Whether what is before the `@` is the number of a person or a channel, perhaps with others behind signs. */
function isNumber(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i] ?? 0;
    if (!((byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x3a)) {
      return false;
    }
  }
  return to - from >= minNumber;
}

/** Where a domain of at least two labels ends, the last of them of letters or of Punycode; -1 for none. */
function domainEnd(bytes: Uint8Array, from: number, max: number): number {
  let good = -1;
  let label = from;
  let areLetters = true;
  let hasDot = false;
  let i = from;
  for (; i <= max; i++) {
    const byte = i < max ? (bytes[i] ?? 0) : 0;
    const lower = byte | 0x20;
    if ((lower >= 0x61 && lower <= 0x7a) || (byte >= 0x80 && byte < 0xff)) {
      continue;
    }
    if ((byte >= 0x30 && byte <= 0x39) || byte === 0x2d) {
      areLetters = false;
      continue;
    }
    const isFile = areLetters && isFileEnding(bytes, label, i);
    if (hasDot && i - label >= 2 && !isFile && (areLetters || isAt(bytes, label, i, punycode))) {
      good = i;
    }
    if (byte !== 0x2e || i === label) {
      break;
    }
    hasDot = true;
    areLetters = true;
    label = i + 1;
  }
  return good;
}

/** `icon@2x.png` and `x@y.ts` are files: none of these is a top-level domain. */
function isFileEnding(bytes: Uint8Array, from: number, to: number): boolean {
  return (
    to - from <= 5 &&
    fileEndings.has(Buffer.from(bytes.subarray(from, to)).toString("latin1").toLowerCase())
  );
}

const fileEndings = new Set(
  "png jpg jpeg gif svg webp ico css scss js mjs cjs jsx ts mts cts tsx json yaml yml toml html txt csv pdf".split(
    " ",
  ),
);
