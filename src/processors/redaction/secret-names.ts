import { wordsOf } from "../../metrics/id-key.ts";
import { isTokenByte } from "./byte-classes.ts";

const setOf = (words: string) => new Set(words.trim().split(/\s+/));

/** Only the last words of a name say what it is of. */
const longestName = 256;

/** The last word of names of secrets: `OPENCLAW_GATEWAY_TOKEN`, `db.pass`, `x-auth`. */
const lastWords = setOf(`
  token secret password passwd passphrase passcode pass pwd apikey credential cred authorization auth cookie jwt bearer dsn connstr otp totp pat
  sshpass dbpass userpass adminpass rootpass smtppass mailpass userpwd dbpwd`);
/** What a last word ends with that is written together: `dbpassword`, `bottoken`. */
const endings = [
  "token",
  "secret",
  "password",
  "passwd",
  "passphrase",
  "passcode",
  "apikey",
  "accesskey",
  "privatekey",
  "secretkey",
  "signingkey",
  "encryptionkey",
  "accountkey",
  "authkey",
  "accesskeyid",
  "credential",
  "authorization",
  "cookie",
  "connectionstring",
];
/** What makes a key a secret one: `api_key`, `AccountKey`. */
const secretKeys = setOf(
  "api access private secret signing encryption ssh account storage license subscription auth master shared host hmac deploy",
);
/** Behind the name of a secret these do not change what it is: `CLIENT_SECRET_VALUE`. */
const endWords = setOf("value plaintext raw prod dev base");
/** As the whole name only: `function.signature` is none. */
const wholes = setOf("sig signature");
/** Before `signature`, in URLs that are signed. */
const signers = setOf("amz goog access webhook hub");
/** Before `pass` it is no password. */
const passes = setOf("test first second third last by render single multi forward backward");
/** A token of this kind is a part of a text, and its name stands for a number: `max_token`, `time_per_output_token`. */
const textTokens = setOf(`
  max min total num number avg mean per first last next input output prompt completion reasoning thinking thought cache cached read write creation
  text audio image video context usage used budget eos bos pad unk sep mask stop special`);
/** In the plural tokens are counted, but for these. */
const secretTokens = setOf(
  "access refresh auth api bot bearer session security app gateway device",
);

/**
 * Whether a name is that of a secret by its last word, in snake, kebab, dot or camel case. Counts (`input_tokens`, `token.count`) and what describes a
 * secret (`token_type`) are none.
 */
export function isSecretName(name: string): boolean {
  const words = wordsOf(name.slice(-longestName));
  const last = words.at(-1) ?? "";
  const before = words.at(-2) ?? "";
  if (endWords.has(last) && words.length > 1) {
    return isSecretName(words.slice(0, -1).join("_"));
  }
  if (last.endsWith("token")) {
    const kind = last === "token" ? before : last.slice(0, -"token".length);
    return /s[^a-z]*$/i.test(name.slice(-8)) ? secretTokens.has(kind) : !textTokens.has(kind);
  }
  switch (last) {
    case "key":
      return secretKeys.has(before);
    case "id":
      return before === "key" && words.at(-3) === "access";
    case "string":
      return before === "connection";
    case "pw":
      return words.length > 1;
    case "word":
    case "phrase":
    case "code":
      return before === "pass";
    case "signature":
      return words.length === 1 || signers.has(before);
    case "pass":
      return !passes.has(before);
    default:
      return (
        lastWords.has(last) ||
        endings.some((ending) => last.endsWith(ending)) ||
        (words.length === 1 && wholes.has(last))
      );
  }
}

/** Whether it is the name of a header of HTTP whose whole line is a secret: with any scheme, and all cookies. */
export function isHeaderName(name: string): boolean {
  const last = wordsOf(name.slice(-longestName)).at(-1);
  return last === "authorization" || last === "cookie";
}

/** Whether a name is that of a token, which may also be of one that a model counts. */
export function isTokenName(name: string): boolean {
  return wordsOf(name.slice(-longestName)).at(-1) === "token";
}

/** The last three letters of everything that `isSecretName` accepts, packed into 15 bits: 1 for a whole name, 2 if another word has to be before. */
const lastLetters = new Uint8Array(2 ** 15);
for (const word of endWords) {
  lastLetters[packed(Buffer.from(word), word.length)] = 2;
}
for (const word of [...lastWords, ...endings, ...wholes, "key", "keyid", "string"]) {
  for (const form of [word, `${word}s`]) {
    lastLetters[packed(Buffer.from(form), form.length)] = 1;
  }
}
// `pw` has two letters, and a sign before.
for (const sign of "_-.") {
  lastLetters[packed(Buffer.from(`${sign}pw`), 3)] = 1;
}

/**
 * Whether the name that ends before `end` could be one of a secret, by its last three letters. Digits and signs behind them are skipped, at most four. Few other
 * words are left, so most names in a text need not become a string.
 */
export function couldBeSecretName(bytes: Uint8Array, start: number, end: number): boolean {
  let to = end;
  for (let i = 0; i < 4 && to > start && !isLetter(bytes[to - 1]); i++) {
    to -= 1;
  }
  if (to - start < 3) {
    return false;
  }
  const kind = lastLetters[packed(bytes, to)] ?? 0;
  return kind === 1 || (kind === 2 && isBehindWord(bytes, start, to));
}

/** Whether the word that ends before `end` is behind another one, with a sign or a capital letter between. */
function isBehindWord(bytes: Uint8Array, start: number, end: number): boolean {
  let from = end;
  let isCapital = false;
  while (from > start && isLetter(bytes[from - 1]) && !isCapital) {
    isCapital = !isLower(bytes[from - 1]) && isLower(bytes[from - 2]);
    from -= 1;
  }
  return isCapital || (from > start && isTokenByte(bytes[from - 1]));
}

function isLower(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x61;
}

function packed(bytes: Uint8Array, end: number): number {
  const at = (index: number) => (bytes[index] ?? 0) & 0x1f;
  return (at(end - 3) << 10) | (at(end - 2) << 5) | at(end - 1);
}

function isLetter(byte: number | undefined): boolean {
  const lower = (byte ?? 0) | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
