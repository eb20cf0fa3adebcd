import {
  appendFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { accepted, type ConsumeResult } from "../../../src/component/consumer.ts";
import { until } from "../../contract/waiting.ts";
import { FakeDisk } from "../../extensions/file_storage/fake-disk.ts";
import fc from "../../support/fast-check.ts";
import {
  ChangingFile,
  type LineShape,
  lineShape,
  maxLineBytes,
  type WriterStep,
  writerStep,
} from "./changing-file.ts";
import { lineOf } from "./harness.ts";
import { stored } from "./stored-reader.ts";

type FileStep =
  | WriterStep
  /** A new file takes its place. Away: out of the globs. */
  | { readonly type: "rename" | "rename_away" | "remove" };

const fileStep: fc.Arbitrary<FileStep> = fc.oneof(
  { weight: 6, arbitrary: writerStep },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constantFrom("rename", "rename_away", "remove") }),
  },
);

type ReaderStep =
  /** The reader has time to read all that is there. */
  | { readonly type: "check" }
  /** Answers so many tries with "later". */
  | { readonly type: "refuse"; readonly tries: number }
  | { readonly type: "poll" | "restart" | "kill" };

const readerStep: fc.Arbitrary<ReaderStep> = fc.oneof(
  fc.record({ type: fc.constantFrom("poll", "restart", "kill") }),
  fc.record({ type: fc.constant("check") }),
  fc.record({ type: fc.constant("refuse"), tries: fc.integer({ min: 1, max: 3 }) }),
);

type Step =
  | { readonly who: "writer"; readonly isWhileLineWaits: boolean; readonly step: FileStep }
  | { readonly who: "reader"; readonly step: ReaderStep };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      who: fc.constant("writer"),
      isWhileLineWaits: fc.boolean(),
      step: fileStep,
    }),
  },
  { weight: 2, arbitrary: fc.record({ who: fc.constant("reader"), step: readerStep }) },
);

/** Writes real files. The model says what is in them. */
class Writer {
  readonly #folder: string;
  readonly #shape: LineShape;
  #files = 0;
  #changes = 0;
  current;
  /** Files that were renamed and can be read still. */
  readonly rotated: ChangingFile[] = [];
  readonly all: ChangingFile[] = [];

  constructor(folder: string, shape: LineShape) {
    this.#folder = folder;
    this.#shape = shape;
    this.current = this.#begin();
  }

  apply(step: FileStep): void {
    const path = join(this.#folder, "a.jsonl");
    const other = join(this.#folder, `a-${this.#files}`);
    switch (step.type) {
      case "rename":
        renameSync(path, `${other}.jsonl`);
        this.rotated.push(this.current);
        this.current = this.#begin();
        break;
      case "rename_away":
        renameSync(path, `${other}.away`);
        this.current = this.#begin();
        break;
      case "remove":
        rmSync(path);
        this.current = this.#begin();
        break;
      default: {
        const before = this.current.content.length;
        this.current.apply(step);
        const { content } = this.current;
        if (step.type === "rewrite") {
          writeFileSync(path, content); // In place: the same inode.
        } else {
          appendFileSync(path, content.subarray(before));
        }
        this.#touch();
      }
    }
  }

  #begin(): ChangingFile {
    const prefix = `${this.#files++}-`;
    const file = new ChangingFile((number) => this.#line(prefix + number));
    this.all.push(file);
    writeFileSync(join(this.#folder, "a.jsonl"), "");
    this.#touch();
    return file;
  }

  /** No two changes have the same time, however coarse the clock of the file system. */
  #touch(): void {
    this.#changes += 1;
    utimesSync(join(this.#folder, "a.jsonl"), this.#changes, this.#changes);
  }

  #line(text: string): string {
    const { before, behind } = this.#shape;
    const attributes = (length: number) => [
      { key: "k", value: { stringValue: "x".repeat(length) } },
    ];
    return JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: attributes(before) },
          scopeLogs: [
            { logRecords: [{ body: { stringValue: text }, attributes: attributes(behind) }] },
          ],
        },
      ],
    });
  }
}

function textOf(line: string): string {
  return /"(\d+-\d{6})"/.exec(line)?.[1] ?? "too long";
}

/** One receiver after the other, each with what the one before stored. */
class Reader {
  readonly #folder: string;
  readonly #onLine: () => void;
  #subject;
  #refusals = 0;
  #polls = 0;
  /** The texts of the lines that were accepted. */
  readonly accepted: string[] = [];
  wasKilled = false;

  constructor(folder: string, onLine: () => void) {
    this.#folder = folder;
    this.#onLine = onLine;
    this.#subject = this.#create(new FakeDisk());
  }

  start(): Promise<void> {
    return this.#subject.start();
  }

  async apply(step: Exclude<ReaderStep, { readonly type: "check" }>): Promise<void> {
    switch (step.type) {
      case "poll":
        this.#subject.clock.advance(200);
        break;
      case "refuse":
        this.#refusals = step.tries;
        this.#subject.clock.advance(200);
        break;
      case "restart":
      case "kill": {
        this.wasKilled ||= step.type === "kill";
        const disk = await this.#subject[step.type === "kill" ? "killed" : "end"]();
        this.#subject = this.#create(disk);
        await this.#subject.start();
        break;
      }
    }
  }

  /** Reads all that is there. Twice, as the first of the two polls may have begun before. */
  async catchUp(): Promise<void> {
    for (let poll = 0; poll < 2; poll++) {
      const last = `last ${++this.#polls}`;
      appendFileSync(join(this.#folder, "~last.jsonl"), lineOf(last));
      const { clock } = this.#subject;
      await until(
        () => {
          clock.advance(clock.pendingTimers > 1 ? 31_000 : 200);
          return this.accepted.includes(last);
        },
        { what: "The end of a poll", patienceMs: 5_000 },
      );
    }
  }

  async end(): Promise<void> {
    await this.#subject.end();
  }

  #create(disk: FakeDisk) {
    const subject = stored(disk, this.#folder, { max_log_size: maxLineBytes });
    subject.setAnswer(async (text): Promise<ConsumeResult> => {
      this.#onLine();
      if (this.#refusals > 0) {
        this.#refusals -= 1;
        return { status: "retryable", message: "Later." };
      }
      this.accepted.push(text);
      return accepted;
    });
    return subject;
  }
}

/** How often each line was written, by its text. */
function writtenBy({ all }: Writer): ReadonlyMap<string, number> {
  const lines = all.flatMap(({ written }) => [...written]);
  return new Map(lines.map(([line, count]) => [textOf(line), count]));
}

function expectAllAccepted(writer: Writer, { accepted }: Reader): void {
  const files = [...writer.rotated, writer.current];
  const texts = files.flatMap(({ lines }) => lines.map(textOf));
  expect(texts.filter((text) => !accepted.includes(text))).toEqual([]);
}

function expectNothingElse(writer: Writer, { accepted, wasKilled }: Reader): void {
  const written = writtenBy(writer);
  const counts = new Map<string, number>();
  for (const text of accepted.filter((text) => !text.startsWith("last"))) {
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const tooOften = [...counts].filter(([text, count]) => {
    const times = written.get(text) ?? 0;
    return times === 0 || (count > times && !wasKilled);
  });
  expect(tooOften).toEqual([]);
}

async function run(folder: string, shape: LineShape, steps: readonly Step[]): Promise<void> {
  const writer = new Writer(folder, shape);
  const whileLineWaits: FileStep[] = [];
  const reader = new Reader(folder, () => {
    for (const step of whileLineWaits.splice(0, 1)) {
      writer.apply(step);
    }
  });
  const check = async () => {
    for (const step of whileLineWaits.splice(0)) {
      writer.apply(step);
    }
    await reader.catchUp();
    expectAllAccepted(writer, reader);
    expectNothingElse(writer, reader);
  };
  await reader.start();
  for (const step of steps) {
    if (step.who === "reader") {
      await (step.step.type === "check" ? check() : reader.apply(step.step));
    } else if (step.isWhileLineWaits) {
      whileLineWaits.push(step.step);
    } else {
      writer.apply(step.step);
    }
  }
  await check();
  await reader.end();
}

test("whatever happens to files, what stays long enough is delivered, and nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(lineShape, fc.array(step, { maxLength: 25 }), async (shape, steps) => {
      const folder = mkdtempSync(join(tmpdir(), "otlp-json-file-"));
      try {
        await run(folder, shape, steps);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 150 },
  );
});
