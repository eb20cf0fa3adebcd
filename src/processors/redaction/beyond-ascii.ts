/** Punctuation, blanks, marks of direction and signs of mathematics and frames. Letters, digits, emoji and what joins them stay. */
const ends =
  /^(?:(?![\u200c\u200d])[\p{P}\p{Z}\p{Cc}\p{Cf}]|(?!\p{Extended_Pictographic})[\p{Sm}\p{So}\p{Sc}])/u;
/** What is between the letters of a name: `ジョン・スミス`. */
const joins = /^[\u00b7\u2010\u2011\u2019\u30fb]/u;
const letter = /^[\p{L}\p{N}]/u;

/** Whether a character beyond ASCII begins at `at` that is part of no name: `，`, `”`, a no-break space. UTF-8. */
export function endsWordAt(bytes: Uint8Array, at: number, end: number): boolean {
  const first = bytes[at] ?? 0;
  if (first < 0xc2) {
    return false; // ASCII, or a later byte of a character
  }
  const character = characterAt(bytes, at, end);
  if (!ends.test(character)) {
    return false;
  }
  const next = at + Buffer.byteLength(character);
  const isBehindLetter = (bytes[at - 1] ?? 0) >= 0x80;
  return !(isBehindLetter && joins.test(character) && letter.test(characterAt(bytes, next, end)));
}

function characterAt(bytes: Uint8Array, at: number, end: number): string {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return Buffer.from(
    bytes.buffer,
    bytes.byteOffset + at,
    Math.max(0, Math.min(length, end - at)),
  ).toString();
}
