import { expect, test } from "vitest";
import {
  beginning,
  createBlockBuffers,
  type LinePosition,
  LineReader,
} from "../../../src/receivers/otlp_json_file/line-reader.ts";
import fc from "../../support/fast-check.ts";
import {
  ChangingFile,
  type LineShape,
  lineShape,
  maxLineBytes,
  readAtOf,
  type WriterStep,
  writerStep,
} from "./changing-file.ts";

/** A reader that goes on from where it stopped, as after a restart, and what it has read. */
class FollowingReader {
  readonly file: ChangingFile;
  readonly read: string[] = [];
  /** Positions that were stored at some time. */
  readonly stored: LinePosition[] = [beginning];
  readonly #buffers;
  position = beginning;
  onMoment: () => void = () => {};

  constructor(file: ChangingFile, blockBytes: number) {
    this.file = file;
    this.#buffers = createBlockBuffers(blockBytes);
  }

  /** Reads to the end, from the beginning when the file was replaced. */
  async readToEnd(): Promise<void> {
    for (;;) {
      const reader = new LineReader(
        readAtOf(this.file, () => this.onMoment()),
        { from: this.position, maxLineBytes, buffers: this.#buffers },
      );
      for (;;) {
        const line = await reader.next();
        if (line === undefined) {
          return;
        }
        if (line.kind === "replaced") {
          this.position = beginning;
          break;
        }
        if (line.kind === "line") {
          this.read.push(Buffer.from(line.bytes).toString());
        }
        this.onMoment(); // It waits for the pipeline.
        this.position = JSON.parse(JSON.stringify(reader.position));
        this.stored.push(this.position);
      }
    }
  }
}

function plainFile({ before, behind }: LineShape): ChangingFile {
  return new ChangingFile((number) => "r".repeat(before) + number + "a".repeat(behind));
}

const blockBytes = fc.constantFrom(1_000, 8_000, 256 * 1024);

/** The writer takes a step after so many moments. */
const timedSteps = fc.array(fc.record({ wait: fc.nat(12), step: writerStep }), { maxLength: 12 });

function expectNothingInvented({ file, read }: FollowingReader): void {
  expect(read.map((line) => file.nameOf(line))).not.toContain("invented");
}

function expectAllRead({ file, read }: FollowingReader): void {
  const all = new Set(read);
  const missed = file.lines.filter((line) => !all.has(line));
  expect(missed.map((line) => file.nameOf(line))).toEqual([]);
}

/** A line that is written twice may be read twice. */
function expectNoneTwice({ file, read }: FollowingReader): void {
  const counts = new Map<string, number>();
  for (const line of read) {
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  const more = [...counts].filter(([line, count]) => count > (file.written.get(line) ?? 0));
  expect(more.map(([line]) => file.nameOf(line))).toEqual([]);
}

/** Runs the steps at their moments, and reads until they are over. Then the file stays as it is. */
async function readWhileWriting(
  reader: FollowingReader,
  steps: readonly { readonly wait: number; readonly step: WriterStep }[],
): Promise<void> {
  let index = 0;
  let waited = 0;
  reader.onMoment = () => {
    const next = steps[index];
    if (next !== undefined && waited++ >= next.wait) {
      reader.file.apply(next.step);
      index += 1;
      waited = 0;
    }
  };
  while (index < steps.length) {
    await reader.readToEnd();
  }
  await reader.readToEnd();
}

test("whenever a file is appended to and rewritten, what stays long enough is read, once, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(lineShape, blockBytes, timedSteps, async (shape, bytes, steps) => {
      const reader = new FollowingReader(plainFile(shape), bytes);
      await readWhileWriting(reader, steps);
      expectNothingInvented(reader);
      expectAllRead(reader);
      expectNoneTwice(reader);
    }),
    { numRuns: 300 },
  );
});

test("a reader that goes on from an older position misses nothing either", async () => {
  await fc.assert(
    fc.asyncProperty(
      lineShape,
      blockBytes,
      fc.array(fc.record({ steps: timedSteps, age: fc.nat(10) }), { maxLength: 4 }),
      async (shape, bytes, lives) => {
        const reader = new FollowingReader(plainFile(shape), bytes);
        for (const { steps, age } of lives) {
          await readWhileWriting(reader, steps);
          expectAllRead(reader);
          reader.position = reader.stored.at(-1 - age) ?? beginning;
        }
        await readWhileWriting(reader, []);
        expectNothingInvented(reader);
        expectAllRead(reader);
      },
    ),
    { numRuns: 100 },
  );
});
