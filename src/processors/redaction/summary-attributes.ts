import { lengthField } from "../../otlp/byte-replacements.ts";

/** What became of an attribute, in the words of the summary. */
export const fates = ["redacted", "masked", "allowed", "ignored"] as const;

export type Fate = (typeof fates)[number];

/** Of these a later pass sees nothing, so they are added to what an earlier processor counted. */
const accumulating: readonly Fate[] = ["redacted", "masked"];
/** The longest list of keys. */
const maxListedKeys = 1_000;

const part = (isBody: boolean) => (isBody ? "redaction.body." : "redaction.");
const nameOf = (fate: Fate, isBody: boolean, what: "keys" | "count") =>
  `${part(isBody)}${fate}.${what}`;

const summaryKeys = new Set(
  [true, false].flatMap((isBody) =>
    fates.flatMap((fate) => [
      nameOf(fate, isBody, "count"),
      ...(fate === "ignored" ? [] : [nameOf(fate, isBody, "keys")]),
    ]),
  ),
);

/** Whether a redaction processor adds attributes with this key. */
export function isSummaryKey(key: string): boolean {
  return summaryKeys.has(key);
}

interface Counted {
  count: number;
  last: string;
  readonly keys: string[];
}

type SummaryCheckpoint = ReadonlyMap<
  string,
  { readonly count: number; readonly last: string; readonly listed: number }
>;

/**
 * The attributes that say what was done with the attributes of one list, by the rules of the Collector's processor: `debug` has counts and keys, `info`
 * counts.
 */
export class SummaryAttributes {
  readonly #withKeys: boolean;
  readonly #counted = new Map<string, Counted>();
  /** What earlier processors added: from a key to its value. */
  readonly #earlier = new Map<string, string | number>();

  constructor(withKeys: boolean) {
    this.#withKeys = withKeys;
  }

  add(fate: Fate, isBody: boolean, key: string): void {
    const name = nameOf(fate, isBody, "count");
    const counted = this.#counted.get(name) ?? { count: 0, keys: [], last: "" };
    counted.count += 1;
    counted.last = key;
    if (counted.keys.length < maxListedKeys) {
      counted.keys.push(key);
    }
    this.#counted.set(name, counted);
  }

  /** The same in a body, where a value and its key may have changed, which is one change. */
  addInBody(fate: Fate, path: string): void {
    if (this.#counted.get(nameOf(fate, true, "count"))?.last !== path) {
      this.add(fate, true, path);
    }
  }

  /** What was counted so far, to return to. Its size does not depend on how many keys were counted. */
  checkpoint(): SummaryCheckpoint {
    return new Map(
      [...this.#counted].map(([name, { count, last, keys }]) => [
        name,
        { count, last, listed: keys.length },
      ]),
    );
  }

  /** Takes back what was counted since. */
  backTo(checkpoint: SummaryCheckpoint): void {
    for (const [name, counted] of this.#counted) {
      const before = checkpoint.get(name);
      if (before === undefined) {
        this.#counted.delete(name);
      } else {
        counted.count = before.count;
        counted.last = before.last;
        counted.keys.length = before.listed;
      }
    }
  }

  /** An attribute of an earlier summary, which `keyValues` contains anew. */
  addEarlier(key: string, value: string | number): void {
    this.#earlier.set(key, value);
  }

  /** The content of the `KeyValue`s to append. */
  keyValues(): readonly Uint8Array[] {
    return [false, true].flatMap((isBody) =>
      fates.flatMap((fate) => this.#keyValuesOf(fate, isBody)),
    );
  }

  #keyValuesOf(fate: Fate, isBody: boolean): readonly Uint8Array[] {
    const countKey = nameOf(fate, isBody, "count");
    const keysKey = nameOf(fate, isBody, "keys");
    const counted = this.#counted.get(countKey);
    const adds = accumulating.includes(fate);
    const earlierCount = adds ? this.#earlier.get(countKey) : undefined;
    const earlierKeys = adds ? this.#earlier.get(keysKey) : undefined;
    const count = (counted?.count ?? 0) + (typeof earlierCount === "number" ? earlierCount : 0);
    const keys = [
      ...(counted?.keys ?? []),
      ...(typeof earlierKeys === "string" && earlierKeys !== "" ? earlierKeys.split(",") : []),
    ].sort();
    const showsKeys =
      fate !== "ignored" && keys.length > 0 && (this.#withKeys || counted === undefined);
    return [
      ...(showsKeys ? [textAttribute(keysKey, keys.join(","))] : []),
      ...(count > 0 ? [countAttribute(countKey, count)] : []),
    ];
  }
}

function textAttribute(key: string, text: string): Uint8Array {
  return keyValue(key, lengthField(0x0a, Buffer.from(text)));
}

function countAttribute(key: string, count: number): Uint8Array {
  const bytes = [0x18];
  let rest = count;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    bytes.push((rest % 0x80) | 0x80);
  }
  bytes.push(rest);
  return keyValue(key, Uint8Array.from(bytes));
}

function keyValue(key: string, value: Uint8Array): Uint8Array {
  return Buffer.concat([lengthField(0x0a, Buffer.from(key)), lengthField(0x12, value)]);
}

/** The way to a value, which only the summary of a body shows. */
export function innerPath(
  summary: SummaryAttributes | undefined,
  outer: string,
  inner: string,
): string {
  return summary === undefined || outer === "" ? inner : `${outer}.${inner}`;
}
