import { textOf } from "./authorization.ts";
import { isSecretName } from "./secret-names.ts";

/** As far as a name is looked for before its value. */
const maxPair = 128;
/** `"name": "x-api-key", "`, `key="password" `, `name: TOKEN` on the line before, up to the word `value`. */
const named =
  /(?:^|[^A-Za-z])(?:name|key|header)["']?[ \t]{0,4}[:=][ \t]{0,4}["']?([A-Za-z][\w.-]{0,63})["']?[\s,]{0,32}["']?$/i;

/** Whether the word that ends before `end` is `value`, behind a pair whose value is the name of a secret: `{"name": "x-api-key", "value": "x"}`. */
export function isValueOfSecret(bytes: Uint8Array, start: number, end: number): boolean {
  const from = end - "value".length;
  // Most words are another one, as their last letter shows.
  if (
    from <= start ||
    ((bytes[end - 1] ?? 0) | 0x20) !== 0x65 ||
    ((bytes[from] ?? 0) | 0x20) !== 0x76
  ) {
    return false;
  }
  if (!isItemBefore(bytes, from, start) || textOf(bytes, from, end).toLowerCase() !== "value") {
    return false;
  }
  const [, name = ""] = named.exec(textOf(bytes, Math.max(start, from - maxPair), from)) ?? [];
  return isSecretName(name);
}

/** Whether the end of another item is before `from`, and perhaps a quote. */
function isItemBefore(bytes: Uint8Array, from: number, start: number): boolean {
  const last = bytes[from - 1] ?? 0;
  const isQuoted = last === 0x22 || last === 0x27;
  const before = isQuoted && from - 2 >= start ? (bytes[from - 2] ?? 0) : last;
  return before <= 0x20 || before === 0x2c;
}
