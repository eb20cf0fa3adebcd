/** Classes of the bytes of UTF-8 texts. Bytes of characters beyond ASCII count as letters of words and addresses. */
const flags = { word: 1, token: 2, address: 4, sessionKey: 8, base64: 16 } as const;

const table = new Uint8Array(256);
mark(flags.word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
mark(flags.token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
mark(flags.address, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-");
mark(flags.base64, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=._~-");
for (let byte = 0; byte < 256; byte++) {
  const character = String.fromCharCode(byte);
  const isPlain = byte > 0x20 && byte !== 0x7f;
  add(byte, byte >= 0x80 && byte < 0xff ? flags.word | flags.address : 0);
  add(byte, isPlain && !"\"'`\\,;<>()[]{}|".includes(character) ? flags.sessionKey : 0);
}

/** A letter, a digit or `_`: what is before it or behind it belongs to the same word. */
export function isWordByte(byte: number | undefined): boolean {
  return is(byte, flags.word);
}

/**
 * Whether what begins at `from` is part of another word, in a text from `start`: `task-force` is no `sk-`, but `_sk-` is one. What is looked for begins in ASCII,
 * so no character beyond it belongs to the same word, be it a quotation mark or a letter of a text without blanks.
 */
export function isInWord(bytes: Uint8Array, from: number, start: number): boolean {
  const before = from > start ? (bytes[from - 1] ?? 0) : 0;
  return before < 0x80 && before !== 0x5f && isWordByte(before);
}

/** What API keys consist of: letters, digits, `_` and `-`. */
export function isTokenByte(byte: number | undefined): boolean {
  return is(byte, flags.token);
}

export function isAddressCharacter(byte: number | undefined): boolean {
  return is(byte, flags.address);
}

/** What session keys consist of: everything but blanks, quotes, brackets and what separates the items of a list. */
export function isSessionKeyByte(byte: number | undefined): boolean {
  return is(byte, flags.sessionKey);
}

/** What credentials of HTTP consist of. */
export function isBase64Byte(byte: number | undefined): boolean {
  return is(byte, flags.base64);
}

function is(byte: number | undefined, flag: number): boolean {
  return byte !== undefined && ((table[byte] ?? 0) & flag) !== 0;
}

function mark(flag: number, characters: string): void {
  for (const character of characters) {
    add(character.charCodeAt(0), flag);
  }
}

function add(byte: number, flag: number): void {
  table[byte] = (table[byte] ?? 0) | flag;
}
