/**
 * A view keeps the whole memory behind it alive. Copies the bytes if more than a quarter of that memory is slack, else returns
 * `bytes` unchanged.
 */
export function withoutSlack(bytes: Uint8Array): Uint8Array {
  // Not slice(): on a Buffer it returns a view and does not copy.
  return bytes.length * 4 < bytes.buffer.byteLength * 3 ? new Uint8Array(bytes) : bytes;
}
