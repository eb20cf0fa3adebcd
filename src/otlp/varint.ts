/** The bytes of a varint of up to 32 bits. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) {
    size += 1;
  }
  return size;
}

/** Writes a varint of up to 32 bits at `start` and returns where it ends. */
export function writeVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value >>> 0;
  while (rest >= 0x80) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}
