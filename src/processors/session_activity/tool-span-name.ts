const prefix = Buffer.from("execute_tool ");
const suffix = Buffer.from(".tool");

/**
 * Where in a tool's span name, `bytes` from `start` up to `end`, the name of the tool stands: all of it,
 * without the `execute_tool ` of the GenAI conventions and the `.tool` of AgentOps.
 */
export function toolNameRange(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly start: number; readonly end: number } {
  const from = isAt(prefix, bytes, start, end) ? start + prefix.length : start;
  const to = isAt(suffix, bytes, end - suffix.length, end) ? end - suffix.length : end;
  return { start: from, end: to };
}

function isAt(part: Uint8Array, bytes: Uint8Array, at: number, end: number): boolean {
  let index = 0;
  while (index < part.length && at + index < end && part[index] === bytes[at + index]) {
    index++;
  }
  return index === part.length;
}
