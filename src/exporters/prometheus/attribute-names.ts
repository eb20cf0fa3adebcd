import { type IdReason, isInfrastructureKey, keyReasonOf } from "./id-like.ts";
import { labelNameOf } from "./translated-names.ts";

/** What follows from the key of an attribute alone. */
export interface AttributeName {
  /** Undefined if the key is empty. */
  readonly label: string | undefined;
  /** Why the attribute is not shown, whatever its value is. */
  readonly reason: IdReason | undefined;
  readonly isInfrastructure: boolean;
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
    const name = {
      label: labelNameOf(key),
      reason: keyReasonOf(start),
      isInfrastructure: isInfrastructureKey(start),
    };
    if (this.#names.size >= maxKeys) {
      this.#names.clear();
    }
    if (key.length <= maxKeyLength) {
      this.#names.set(key, name);
    }
    return name;
  }
}
