import { tagOf, WireReader } from "../../otlp/wire-reader.ts";

/** A message whose values become objects when it is decoded; each tag leads to the message in that field. */
interface Shape {
  readonly inner: ReadonlyMap<number, () => Shape>;
}

const field = (number: number, shape: () => Shape) => [tagOf(number, "length"), shape] as const;

const anyValue: Shape = {
  inner: new Map([field(5, () => valueList), field(6, () => keyValueList)]),
};
const valueList: Shape = { inner: new Map([field(1, () => anyValue)]) };
const keyValue: Shape = { inner: new Map([field(2, () => anyValue)]) };
const keyValueList: Shape = { inner: new Map([field(1, () => keyValue)]) };

/** Messages that are decoded. */
export const shapes = {
  logRecord: { inner: new Map([field(5, () => anyValue), field(6, () => keyValue)]) },
  resource: { inner: new Map([field(1, () => keyValue)]) },
  scope: { inner: new Map([field(3, () => keyValue)]) },
  keyValue,
  valueList,
} as const satisfies Record<string, Shape>;

/** A message with more fields, those of its values included, is not decoded: each costs some hundred bytes. */
const maxFields = 10_000;
const maxDepth = 100;

/** Whether a message is small enough to be decoded into objects. Of the bytes of texts there may be any number. */
export function isDecodable(bytes: Uint8Array, shape: Shape): boolean {
  const reader = new WireReader(bytes);
  let fields = 0;
  const count = (end: number, { inner }: Shape, depth: number): boolean => {
    while (reader.position < end) {
      fields += 1;
      if (fields > maxFields || depth > maxDepth) {
        return false;
      }
      const tag = reader.tag(end);
      const next = inner.get(tag);
      if (next === undefined) {
        if (!reader.skip(tag, end)) {
          return false;
        }
        continue;
      }
      const stop = reader.length(end);
      if (stop < 0 || !count(stop, next(), depth + 1)) {
        return false;
      }
    }
    return true;
  };
  return count(bytes.length, shape, 0);
}
