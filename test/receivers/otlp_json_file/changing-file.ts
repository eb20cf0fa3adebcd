import type { ReadAt } from "../../../src/receivers/otlp_json_file/read-at.ts";
import fc from "../../support/fast-check.ts";

/** What a writer does with its file. Numbers of lines are small; the lines are not. */
export type WriterStep =
  | { readonly type: "append"; readonly lines: number }
  /** A line that is too long to be read. */
  | { readonly type: "append_long" }
  /** Half of a line. Its other half comes with the next step that appends. */
  | { readonly type: "append_half" }
  /** As `copytruncate` of logrotate, or a program that opens its file anew. The first lines may be the same as before. */
  | { readonly type: "rewrite"; readonly sameLines: number; readonly lines: number };

export const writerStep: fc.Arbitrary<WriterStep> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("append"), lines: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom("append_half", "append_long") }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("rewrite"),
      sameLines: fc.nat(3),
      lines: fc.nat(6),
    }),
  },
);

/** No line is as long, except those that are too long to be read. */
export const maxLineBytes = 50_000;

/** What all lines of a writer have before and behind their number: the resource, and attributes. */
export interface LineShape {
  readonly before: number;
  readonly behind: number;
}

export const lineShape: fc.Arbitrary<LineShape> = fc.record({
  before: fc.constantFrom(0, 100, 9_000, 15_000),
  behind: fc.constantFrom(0, 100, 9_000, 30_000),
});

/** The plain model of a file and its writer: lines, each with its own number, and half a line. */
export class ChangingFile {
  readonly #lineOf: (number: string) => string;
  #count = 0;
  #lines: string[] = [];
  #half: string | undefined;
  #content = Buffer.alloc(0);
  /** How often each line was written. */
  readonly written = new Map<string, number>();

  constructor(lineOf: (number: string) => string) {
    this.#lineOf = lineOf;
  }

  /** The complete lines that can be read, without their ends. */
  get lines(): readonly string[] {
    return this.#lines.filter(({ length }) => length <= maxLineBytes);
  }

  get content(): Buffer {
    return this.#content;
  }

  /** What a test shows of a line. */
  nameOf(line: string): string {
    return this.written.has(line) ? (/\d+/.exec(line)?.[0] ?? "") : "invented";
  }

  apply(step: WriterStep): void {
    switch (step.type) {
      case "append":
        this.#add(step.lines);
        break;
      case "append_long":
        this.#add(1);
        this.#write("x".repeat(maxLineBytes + 10_000));
        break;
      case "append_half":
        this.#half ??= this.#nextLine();
        break;
      case "rewrite": {
        const same = this.#lines.slice(0, step.sameLines);
        this.#half = undefined;
        this.#lines = [];
        for (const line of same) {
          this.#write(line);
        }
        this.#add(step.lines);
        break;
      }
    }
    const half = this.#half?.slice(0, this.#half.length / 2) ?? "";
    this.#content = Buffer.from(this.#lines.map((line) => `${line}\n`).join("") + half);
  }

  #add(count: number): void {
    for (let index = 0; index < count; index++) {
      this.#write(this.#half ?? this.#nextLine());
      this.#half = undefined;
    }
  }

  #write(line: string): void {
    this.#lines.push(line);
    this.written.set(line, (this.written.get(line) ?? 0) + 1);
  }

  #nextLine(): string {
    return this.#lineOf(String(this.#count++).padStart(6, "0"));
  }
}

/**
 * Reads a file that changes at any moment: before a read, and in the middle of one. `onMoment` is called at each such moment and may
 * change it.
 */
export function readAtOf(file: ChangingFile, onMoment: () => void): ReadAt {
  return async (into, position) => {
    onMoment();
    const middle = into.length >> 1;
    const first = copy(file, into.subarray(0, middle), position);
    if (first < middle) {
      return first;
    }
    onMoment();
    return first + copy(file, into.subarray(middle), position + middle);
  };
}

function copy(file: ChangingFile, into: Uint8Array, position: number): number {
  const bytes = file.content.subarray(position, position + into.length);
  into.set(bytes);
  return bytes.length;
}
