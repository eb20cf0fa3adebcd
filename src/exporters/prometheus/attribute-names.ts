import { type KeyFacts, keyFactsOf } from "./id-like.ts";
import { labelNameOf } from "./translated-names.ts";

/** What follows from the key of an attribute alone. */
export interface AttributeName extends KeyFacts {
  /** Undefined if the key is empty. */
  readonly label: string | undefined;
}

/** Real senders use some hundred keys. */
const maxKeys = 2_048;
/** Longer keys are looked at up to here, and not remembered. */
const maxKeyLength = 512;

/** Remembers what follows from keys, which takes longer to find than the rest of a label. Forgets all when it has too many. */
export class AttributeNames {
  readonly #names = new Map<string, AttributeName>();

  of(key: string): AttributeName {
    const known = this.#names.get(key);
    if (known !== undefined) {
      return known;
    }
    const start = key.slice(0, maxKeyLength);
    const name = { label: labelNameOf(key), ...keyFactsOf(start) };
    if (this.#names.size >= maxKeys) {
      this.#names.clear();
    }
    if (key.length <= maxKeyLength) {
      this.#names.set(key, name);
    }
    return name;
  }
}
