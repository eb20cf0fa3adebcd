/** What a letter or a sign means behind a backslash; 0 for nothing. */
export const characters = new Uint8Array(256);
for (const [letter, byte] of [
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["b", 0x08],
  ["f", 0x0c],
] as const) {
  characters[letter.charCodeAt(0)] = byte;
}
for (const sign of Buffer.from("\"'`/")) {
  characters[sign] = sign;
}

/** The letter that would be there if `\t` were no escape but the `t` of a path such as `C:\token`; 0 for none. */
export function letterOf(control: number | undefined): number {
  return control !== undefined && control >= 0x08 && control <= 0x0d
    ? Math.max(0, characters.indexOf(control))
    : 0;
}

/** The number that is written at `at` in so many hex digits; -1 if they are none. */
export function hexAt(bytes: Uint8Array, at: number, digits: number, end: number): number {
  if (at + digits > end) {
    return -1;
  }
  let value = 0;
  for (let i = 0; i < digits; i++) {
    const digit = hexDigits[bytes[at + i] ?? 0] ?? -1;
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

const hexDigits = new Int8Array(256).fill(-1);
for (let digit = 0; digit < 16; digit++) {
  const text = digit.toString(16);
  hexDigits[text.charCodeAt(0)] = digit;
  hexDigits[text.toUpperCase().charCodeAt(0)] = digit;
}

/** Whether it is the first half of a character beyond 16 bits. */
export function isHigh(point: number): boolean {
  return point >= 0xd800 && point <= 0xdbff;
}
