import { textOf } from "./authorization.ts";
import { isTokenByte } from "./byte-classes.ts";
import { type Found, isAt, none, type Place } from "./detected.ts";
import { isSecretName } from "./secret-names.ts";
import { isBlank, isQuote } from "./written-value.ts";

/** A longer tag is not looked into. */
const maxTag = 256;
const dash = 0x2d;
const colon = 0x3a;
const less = 0x3c;
const greater = 0x3e;
const cdata = Buffer.from("<![CDATA[");
const cdataEnd = Buffer.from("]]>");
/** `<property name="password">` */
const named = /\s(?:name|key|id)=["']([\w.-]{1,64})["']/i;

/** The text of an element of XML whose `>` is at `at`, if its name or its attribute `name` is that of a secret: `<password>x</password>`. */
export function elementText(bytes: Uint8Array, { start, at, end }: Place): Found {
  if (!mayEndTag(bytes[at - 1])) {
    return none;
  }
  let open = at - 1;
  const min = Math.max(start, at - maxTag);
  while (open >= min && bytes[open] !== less && bytes[open] !== greater) {
    open -= 1;
  }
  if (open < min || bytes[open] !== less) {
    return none;
  }
  let nameEnd = open + 1;
  while (nameEnd < at && (isTokenByte(bytes[nameEnd]) || bytes[nameEnd] === colon)) {
    nameEnd += 1;
  }
  const name = textOf(bytes, open + 1, nameEnd);
  if (!isSecretName(name) && !isSecretName(named.exec(textOf(bytes, nameEnd, at))?.[1] ?? "")) {
    return none;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end);
  if (isAt(bytes, at + 1, end, cdata)) {
    const from = at + 1 + cdata.length;
    const to = text.indexOf(cdataEnd, from);
    return { start: from, end: to < 0 ? end : to };
  }
  const to = text.indexOf("<", at + 1);
  const isElement = to > at + 1 && isAt(bytes, to, end, Buffer.from(`</${name}`));
  return isElement ? { start: at + 1, end: to } : none;
}

/** What is before the `>` of `<name>`, `<name a="b">` and `<name >`; no `=>`, `->` and `>>`. */
function mayEndTag(byte: number | undefined): boolean {
  return isTokenByte(byte) ? byte !== dash : isQuote(byte) || isBlank(byte);
}
