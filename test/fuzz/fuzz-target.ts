/** What a parser made of an input, in a form that two runs can be compared by. */
export type Seen = string | number | boolean | undefined;

/** A parser of foreign bytes, and what must hold for every input. */
export interface FuzzTarget {
  readonly name: string;
  /** The files of `src` that read the bytes. */
  readonly parsers: readonly string[];
  /** Its part of `npm run fuzz`. */
  readonly executions: number;
  readonly maxBytes: number;
  readonly seeds: () => readonly Uint8Array[];
  readonly words: readonly Uint8Array[];
  /** Throws or rejects if something does not hold. */
  readonly run: (input: Uint8Array) => Seen | Promise<Seen>;
  /** The same with a parser that has a bug, which shows that the checks of this target can fail. */
  readonly runBroken: (input: Uint8Array) => Seen | Promise<Seen>;
}

/** Something that must hold for a parser does not. */
export class BrokenInvariant extends Error {}

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) {
    throw new BrokenInvariant(what);
  }
}

export interface TargetOptions<Parser> {
  readonly name: string;
  readonly parsers: readonly string[];
  readonly executions: number;
  readonly maxBytes?: number;
  readonly seeds: () => readonly (string | Uint8Array)[];
  readonly words?: readonly (string | Uint8Array)[];
  readonly parser: Parser;
  /** The parser with a bug that only some inputs meet. */
  readonly broken: Parser;
  readonly check: (parser: Parser, input: Uint8Array) => Seen | Promise<Seen>;
}

export function fuzzTarget<Parser>(options: TargetOptions<Parser>): FuzzTarget {
  const { parser, broken, check, maxBytes = 4096 } = options;
  return {
    name: options.name,
    parsers: options.parsers,
    executions: options.executions,
    maxBytes,
    seeds: () =>
      options
        .seeds()
        .map(bytesOf)
        .filter(({ length }) => length <= maxBytes),
    words: (options.words ?? []).map(bytesOf),
    run: (input) => check(parser, input),
    runBroken: (input) => check(broken, input),
  };
}

function bytesOf(each: string | Uint8Array): Uint8Array {
  return typeof each === "string" ? Buffer.from(each) : each;
}

/** The input as a header or an argument has it: a character for each byte. */
export function latin1(input: Uint8Array): string {
  return Buffer.from(input).toString("latin1");
}

export function utf8(input: Uint8Array): string {
  return Buffer.from(input).toString("utf8");
}
