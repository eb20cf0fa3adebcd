import { join } from "node:path";
import { ActivityEngine } from "../../../src/activity/engine/activity-engine.ts";
import {
  EngineSnapshotReader,
  EngineSnapshotWriter,
} from "../../../src/activity/engine/store/snapshot.ts";
import {
  journalVersion,
  jsonRecord,
  numberRecord,
  recordTypes,
} from "../../../src/activity/journal/journal-records.ts";
import { Replay } from "../../../src/activity/journal/replay.ts";
import { decodeSignals, SignalEncoder } from "../../../src/activity/journal/signal-codec.ts";
import { SignalBatch } from "../../../src/activity/model/signal-batch.ts";
import { QueueJournal } from "../../../src/delivery/queue-journal.ts";
import {
  endMarkName,
  logName,
  snapshotName,
} from "../../../src/extensions/file_storage/file-names.ts";
import { encodeFileHeader, Group } from "../../../src/extensions/file_storage/format.ts";
import { recoverJournal } from "../../../src/extensions/file_storage/journal-recovery.ts";
import {
  beginning,
  createBlockBuffers,
  LineReader,
} from "../../../src/receivers/otlp_json_file/line-reader.ts";
import {
  OffsetJournal,
  type StoredOffset,
} from "../../../src/receivers/otlp_json_file/offset-journal.ts";
import { limits } from "../../activity/engine/history.ts";
import { MemoryStorage } from "../../activity/journal/memory-journal.ts";
import { batchOf, createPersistedParts } from "../../activity/journal/persisted-parts.ts";
import { FakeDisk } from "../../extensions/file_storage/fake-disk.ts";
import { type FuzzTarget, fuzzTarget, must } from "../fuzz-target.ts";

const run = { type: "start", kind: "run", span: 1, trace: 1, start: 0 } as const;
const tool = { type: "start", kind: "tool", span: 2, parent: 1, trace: 1, start: 0 } as const;
const signalRecord = new SignalEncoder()
  .encode(batchOf(run, tool, { ...run, type: "end", end: 1 }), 2_000)
  .slice();
const small = { ...limits, maxOpenWork: 50 };

/** Records, each behind its length in two bytes. */
function packed(...records: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(
    records.flatMap((each) => [Uint8Array.of(each.length & 255, each.length >> 8), each]),
  );
}

function recordsIn(input: Uint8Array): readonly Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at + 2 <= input.length; ) {
    const length = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
    records.push(input.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return records;
}

const signalCodec = fuzzTarget({
  name: "journal-signals",
  parsers: ["src/activity/journal/signal-codec.ts"],
  executions: 200_000,
  seeds: () => [signalRecord, Uint8Array.of(recordTypes.signalsV2, ...signalRecord.subarray(1))],
  parser: decodeSignals,
  broken: (record: Uint8Array, into: SignalBatch) => {
    const nowMs = decodeSignals(record, into);
    if (into.count > 2) {
      throw new TypeError("a third signal");
    }
    return nowMs;
  },
  check(parser, input) {
    const batch = new SignalBatch();
    let nowMs: number;
    try {
      nowMs = parser(input, batch);
    } catch (error) {
      // The one exception: the record ends too early.
      must(error instanceof RangeError, "a record that is cut off is a RangeError");
      return "cut off";
    }
    must(batch.count <= input.length, "a signal has bytes");
    if (batch.count > 0 && input[0] === recordTypes.signals && Number.isFinite(nowMs)) {
      const again = new SignalBatch();
      const encoded = new SignalEncoder().encode(batch, nowMs).slice();
      must(
        decodeSignals(encoded, again) === nowMs && again.count === batch.count,
        "what was read can be written",
      );
    }
    return `${nowMs} ${batch.count}`;
  },
});

const header = jsonRecord(recordTypes.header, {
  version: journalVersion,
  hashKey: "0".repeat(32),
  instanceId: "one",
  limits: small,
  atMs: 1_000,
  unixMs: 1_795_000_000_000,
});
const tick = numberRecord(recordTypes.tick, 60_000);

const replays = fuzzTarget({
  name: "journal-replay",
  parsers: ["src/activity/journal/replay.ts", "src/activity/journal/journal-records.ts"],
  executions: 10_000,
  seeds: () => [
    packed(header, signalRecord, tick),
    packed(
      header,
      jsonRecord(recordTypes.restart, {}),
      jsonRecord(recordTypes.anchor, { awayMs: 1, unixMs: 2, atMs: 3 }),
      tick,
    ),
    packed(
      header,
      jsonRecord(recordTypes.names, { tools: [], channels: [], processes: [] }),
      numberRecord(recordTypes.delivered, 1),
      tick,
    ),
    packed(jsonRecord(recordTypes.header, { version: 99 }), tick),
  ],
  words: [header, tick, signalRecord],
  parser: (options: ConstructorParameters<typeof Replay>[0]) => new Replay(options),
  broken: (options) =>
    new Replay({
      ...options,
      createEngine: () => {
        throw new TypeError("no engine");
      },
    }),
  check(parser, input) {
    let events = 0;
    const { engine: _engine, ...into } = createPersistedParts();
    const replay = parser({
      into,
      newKeys: {
        ...{ hashKey: "0".repeat(32), refKey: "0".repeat(64) },
        ...{ unixMs: 1_795_000_000_000, formerForMs: 1_000 },
      },
      limits: small,
      maxStateBytes: 100_000,
      createEngine: (each) => new ActivityEngine({ ...each, maxOpenWork: 50, maxTombstones: 50 }),
      onEvent: () => {
        events += 1;
      },
    });
    try {
      for (const record of recordsIn(input)) {
        replay.take(record);
      }
      return `${replay.finish() === undefined} ${replay.ignored} ${events}`;
    } catch (error) {
      // Documented: it throws for what no version of this program wrote. But never for a bug of its own.
      must(
        error instanceof Error && !(error instanceof TypeError),
        "what nobody wrote is an error for an operator",
      );
      return "refused";
    }
  },
});

const snapshot = (() => {
  const engine = new ActivityEngine(small);
  engine.apply(batchOf(run, tool), 2_000);
  const writer = new EngineSnapshotWriter();
  engine.snapshot(writer);
  return Buffer.concat(writer.pieces);
})();

const engineSnapshot = fuzzTarget({
  name: "journal-engine-snapshot",
  parsers: ["src/activity/engine/store/snapshot.ts", "src/otlp/columns.ts"],
  executions: 100_000,
  maxBytes: 8_192,
  seeds: () => [snapshot.subarray(0, 4_000), Buffer.from(new Float64Array([2, 1, 2]).buffer)],
  parser: (bytes: Uint8Array) => new EngineSnapshotReader(bytes),
  broken: (bytes: Uint8Array) =>
    new EngineSnapshotReader(
      bytes.length % 8 === 0
        ? bytes
        : Buffer.concat([bytes, new Uint8Array(8 - (bytes.length % 8))]),
    ),
  check(parser, input) {
    const reader = parser(input);
    let read = 0;
    try {
      while (!reader.isAtEnd && read <= input.length) {
        read += reader.numbers().length * 8 + 8;
      }
    } catch (error) {
      must(
        error instanceof Error && /RangeError|SnapshotError/.test(error.constructor.name),
        "bytes that end too early are reported",
      );
      return "ends too early";
    }
    must(read <= input.length, "nothing is read that is not there");
    return read;
  },
});

const directory = "/storage/processor_sample";
const known = ["first", "second", "third", ""].map((text) => Buffer.from(text));
const log = (() => {
  const group = new Group();
  for (const record of known) {
    group.add(record);
  }
  const first = group.seal({ sequence: 0, unixMs: 5 }).slice();
  group.clear();
  group.add(known[1]!);
  const second = group.seal({ sequence: known.length, unixMs: 6 }).slice();
  return Buffer.concat([
    encodeFileHeader({ kind: "log", number: 1, sequence: 0, unixMs: 1, hasEndMark: false }),
    first,
    second,
  ]);
})();

const fileNames = [logName(1), snapshotName(3), endMarkName, logName(2)];

/** The damaged file of a log, or of a snapshot beside a whole log. */
const recoveries = fuzzTarget({
  name: "storage-recovery",
  parsers: [
    "src/extensions/file_storage/journal-recovery.ts",
    "src/extensions/file_storage/file-reader.ts",
    "src/extensions/file_storage/log-recovery.ts",
    "src/extensions/file_storage/snapshot-recovery.ts",
    "src/extensions/file_storage/unusable-files.ts",
    "src/extensions/file_storage/format.ts",
    "src/extensions/file_storage/end-mark.ts",
    "src/extensions/file_storage/file-names.ts",
  ],
  executions: 40_000,
  maxBytes: 1_000,
  seeds: () => [Uint8Array.of(0, ...log), Uint8Array.of(1, ...log), Uint8Array.of(2, ...log)],
  words: [log.subarray(0, 64), log.subarray(64)],
  parser: recoverJournal,
  broken: async (options: Parameters<typeof recoverJournal>[0]) =>
    recoverJournal({
      ...options,
      take: (record) => options.take(record.length > 5 ? record.subarray(0, 5) : record),
    }),
  async check(parser, input) {
    const bytes = input.subarray(1);
    const [choice = 0] = input;
    const disk = FakeDisk.of(
      new Map([
        [join(directory, logName(1)), log],
        [join(directory, fileNames[choice % fileNames.length] ?? ""), bytes],
      ]),
    );
    disk.takesTurns = false;
    const records: string[] = [];
    try {
      const { summary, cleanUp } = await parser({
        disk,
        directory,
        take: (record) => records.push(Buffer.from(record).toString()),
      });
      must(
        records.every((record) => known.some((each) => each.toString() === record)),
        "no record is made up",
      );
      must(summary.records === records.length, "records are counted");
      await cleanUp();
      return `${records.length} ${summary.lostBytes}`;
    } catch (error) {
      must(
        error instanceof Error &&
          /\. /.test(error.message) &&
          !(error instanceof TypeError) &&
          error.constructor.name !== "BrokenInvariant",
        `a file that cannot be used is reported (${error instanceof Error ? error.message : ""})`,
      );
      return "refused";
    }
  },
});

const lineReader = fuzzTarget({
  name: "file-lines",
  parsers: [
    "src/receivers/otlp_json_file/line-reader.ts",
    "src/receivers/otlp_json_file/passed-bytes.ts",
    "src/receivers/otlp_json_file/fingerprint.ts",
  ],
  executions: 60_000,
  maxBytes: 400,
  seeds: () => ["a\nb\n", `${"x".repeat(70)}\n\n\r\ny`, "\n".repeat(20)],
  words: ["\n", "\r\n", "x".repeat(33)],
  parser: (...[readAt, options]: ConstructorParameters<typeof LineReader>) =>
    new LineReader(readAt, options),
  broken: (...[readAt, options]: ConstructorParameters<typeof LineReader>) =>
    new LineReader(readAt, { ...options, maxLineBytes: 33 }),
  async check(parser, input) {
    const readAt = async (buffer: Uint8Array, at: number) => {
      const part = input.subarray(at, at + buffer.length);
      buffer.set(part);
      return part.length;
    };
    const reader = parser(readAt, {
      from: beginning,
      maxLineBytes: 40,
      buffers: createBlockBuffers(16),
    });
    const lines: string[] = [];
    for (
      let line = await reader.next();
      line !== undefined && lines.length <= input.length;
      line = await reader.next()
    ) {
      lines.push(line.kind === "line" ? Buffer.from(line.bytes).toString("latin1") : line.kind);
    }
    // A line that is not complete is no line yet, unless it is too long already.
    const whole = Buffer.from(input).toString("latin1").split("\n");
    const last = whole.pop() ?? "";
    const expected = [...whole, ...(last.length > 40 ? [last] : [])].map((each) =>
      each.length > 40 ? "too_large" : each,
    );
    must(JSON.stringify(lines) === JSON.stringify(expected), "exactly the lines are read");
    return lines.length;
  },
});

/** Both throw an error for an operator for records that they did not write. */
const ownJournals = fuzzTarget({
  name: "queue-and-offset-journals",
  parsers: ["src/delivery/queue-journal.ts", "src/receivers/otlp_json_file/offset-journal.ts"],
  executions: 60_000,
  maxBytes: 800,
  seeds: () => [
    packed(
      Buffer.from('{"version":1}'),
      Buffer.from(
        '{"file":"a","offset":3,"isInSkippedLine":false,"fingerprint":[{"at":0,"length":3,"hash":"x"}]}',
      ),
      Buffer.from('{"forgotten":"a"}'),
    ),
    packed(
      Buffer.from('{"version":1}'),
      Buffer.from('{"file":"a","offset":3,"isInSkippedLine":false,"fingerprint":[]}'),
    ),
    packed(
      Uint8Array.of(1, 1),
      partRecord(7, 1, [1, 2, 3]),
      Uint8Array.of(3, ...partRecord(7, 1, []).subarray(1, 9)),
    ),
  ],
  words: [partRecord(1, 0, [9])],
  parser: openedOffsets,
  broken: async (storage: MemoryStorage) =>
    (await openedOffsets(storage)).map((stored) => ({ ...stored, offset: stored.offset - 5 })),
  async check(parser, input) {
    const storage = new MemoryStorage();
    storage.records = [...recordsIn(input)];
    const refused = (error: unknown) => {
      must(
        error instanceof Error && !(error instanceof TypeError),
        "what nobody wrote is an error",
      );
      return [];
    };
    const stored = await parser(storage).catch(refused);
    must(
      stored.every(({ offset }) => Number.isSafeInteger(offset) && offset >= 0),
      "offsets are offsets",
    );
    const payloads = await new QueueJournal().open(storage).catch(refused);
    must(
      payloads.every(({ payload }) => payload.items >= 0),
      "payloads have items",
    );
    return `${stored.length} ${payloads.length}`;
  },
});

async function openedOffsets(storage: MemoryStorage): Promise<readonly StoredOffset[]> {
  return (await new OffsetJournal().open(storage)) ?? [];
}

function partRecord(id: number, signal: number, bytes: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(18 + bytes.length));
  view.setUint8(0, 2);
  view.setFloat64(1, id, true);
  view.setUint8(9, signal);
  view.setUint32(10, 1, true);
  view.setUint32(14, bytes.length, true);
  new Uint8Array(view.buffer).set(bytes, 18);
  return new Uint8Array(view.buffer);
}

export const storedFuzzTargets: readonly FuzzTarget[] = [
  signalCodec,
  replays,
  engineSnapshot,
  recoveries,
  lineReader,
  ownJournals,
];
