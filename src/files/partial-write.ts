/** The bytes that a partial write left out: a disk that fills up accepts only the first of them. */
export function unwritten(
  parts: readonly Uint8Array[],
  writtenBytes: number,
): readonly Uint8Array[] {
  const rest: Uint8Array[] = [];
  let left = writtenBytes;
  for (const part of parts) {
    const taken = Math.min(left, part.length);
    left -= taken;
    if (taken < part.length) {
      rest.push(part.subarray(taken));
    }
  }
  return rest;
}
