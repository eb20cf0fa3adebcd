const suffix = Buffer.from(".tool");

/**
 * Where the name of the tool ends in the name of its span, which is `bytes` from `start` up to `end`: AgentOps appends
 * `.tool`.
 */
export function toolNameEnd(bytes: Uint8Array, start: number, end: number): number {
  const from = end - suffix.length;
  return from > start && suffix.every((byte, at) => bytes[from + at] === byte) ? from : end;
}
