/** What a canary is, which decides where it may occur. */
export type CanaryGroup =
  /** An id, content or anything else that somebody sent. */
  | "sent"
  /** A trace or span id, which events name by the option `trace_context`. */
  | "trace"
  /** A secret of the config. */
  | "secret";

/** A text that occurs nowhere by chance. */
export interface Canary {
  /** The part that is random. */
  readonly token: string;
  /** The whole text that was sent or written. */
  readonly value: string;
  /** Where it was put, for the message of a finding. */
  readonly origin: string;
  readonly group: CanaryGroup;
  /** Whether it stands where an id does, so that the whole of it may be hashed. */
  readonly isId: boolean;
  /** Its characters: those of `token` occur in no number and in no hash. */
  readonly form: "token" | "hex" | "digits";
}

/** The options of a canary. */
type Kind = Omit<Canary, "token" | "value" | "isId"> & { readonly isId?: boolean };

/** How ids look that senders really have: the same text in forms that code recognizes, converts or splits. */
const shapes: readonly ((token: string) => string)[] = [
  (token) => `agent:main:whatsapp:direct:${token}`,
  (token) => `agent:main:${token}`,
  (token) => `canary-${token}`,
  (token) => `call_${token}`,
  (token) => `session:${token}@example.com`,
  (token) => `${token} is a "sentence" with 100 % \\ and <tags>`,
  (token) => `sess/${token}?key=${token}&more`,
  (token) => `ünïcödé ${token} 🦆`,
  (token) => `{"id":"${token}"}`,
  (token) => `Bearer ${token}`,
];

const hexDigits = "0123456789abcdef";
const others = "0123456789bcdfghjklmnpqrstvwxyz";
/** At every fourth place, so that no part of a token is hex. */
const notHex = "ghjklmnpqrstvwxyz";

/** Makes canaries, and knows all that it made. Every one is of its own. */
export class CanaryMint {
  readonly canaries: Canary[] = [];
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A new text in a form that is drawn, or in the one that `shape` makes. */
  mint(origin: string, shape = this.pick(shapes)): string {
    return this.#add(this.token(), { origin, group: "sent", form: "token" }, shape);
  }

  /** A new text of letters and digits only, of this length. */
  plain(origin: string, length = 20): string {
    return this.#add(this.token(length), { origin, group: "sent", form: "token" });
  }

  /** A new text that nobody but the program and its operator may see. */
  secret(origin: string, shape = (token: string) => token): string {
    return this.#add(this.token(), { origin, group: "secret", form: "token" }, shape);
  }

  /** A new UUID. */
  uuid(origin: string): string {
    const uuidOf = (hex: string) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
    return this.#add(
      this.#text(hexDigits, 32),
      { origin, group: "sent", form: "hex", isId: true },
      uuidOf,
    );
  }

  /** A new id in any form that ids have. */
  id(origin: string): string {
    const form = this.#random();
    if (form < 0.15) {
      return this.uuid(origin);
    }
    if (form < 0.25) {
      return this.digits(origin);
    }
    const kind = { origin, group: "sent", form: "token", isId: true } as const;
    return this.#add(this.token(), kind, this.pick(shapes));
  }

  /** A new number that is too long to occur by chance, such as a telephone number or a snowflake. */
  digits(origin: string): string {
    const text = `9${this.#text("0123456789", 16)}`;
    return this.#add(text, { origin, group: "sent", form: "digits", isId: true });
  }

  /** A new trace or span id. */
  traceId(origin: string, bytes: 8 | 16): Uint8Array {
    const hex = this.#text(hexDigits, bytes * 2);
    this.#add(hex, { origin, group: "trace", form: "hex" });
    return Buffer.from(hex, "hex");
  }

  /** Takes the id of another sender for a canary. One that is too short to occur by chance is let go. */
  watch(value: string, origin: string): void {
    if (/^[0-9a-f-]{32,36}$/i.test(value)) {
      this.canaries.push({
        token: value.replaceAll("-", "").toLowerCase(),
        value,
        origin,
        group: "sent",
        form: "hex",
        isId: true,
      });
    }
  }

  /** A text of letters and digits, no 8 characters of which are only hex digits. It is no canary yet. */
  token(length = 20): string {
    return Array.from({ length }, (_, at) => this.pick(at % 4 === 0 ? notHex : others)).join("");
  }

  pick<T>(choices: ArrayLike<T>): T {
    return choices[Math.floor(this.#random() * choices.length)]!;
  }

  #text(alphabet: string, length: number): string {
    return Array.from({ length }, () => this.pick(alphabet)).join("");
  }

  #add(token: string, kind: Kind, shape = (text: string) => text): string {
    const value = shape(token);
    this.canaries.push({ isId: false, ...kind, token, value });
    return value;
  }
}

/** Random numbers of a seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
