/**
 * Whoever keeps bytes keeps the memory behind them. Copies when more than a quarter of that memory is
 * slack, else returns `bytes` as they are.
 */
export function withoutSlack(bytes: Uint8Array): Uint8Array {
  // Not slice(): on a Buffer that is a view and copies nothing.
  return bytes.length * 4 < bytes.buffer.byteLength * 3 ? new Uint8Array(bytes) : bytes;
}
