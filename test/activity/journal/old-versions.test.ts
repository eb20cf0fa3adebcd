import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  headerSchema,
  journalVersion,
  recordTypes,
} from "../../../src/activity/journal/journal-records.ts";
import { MemoryStorage } from "./memory-journal.ts";
import {
  historyAfter,
  historyAfterSnapshot,
  historyBefore,
  recordedConfig,
  type Sender,
} from "./recorded-history.ts";
import { delivered, open } from "./restarted-collector.ts";

/** A journal as an older version wrote it, and the page of that version then. */
interface Recording {
  readonly lastWrittenUnixMs: number;
  readonly page: readonly string[];
  readonly records: readonly string[];
}

/** What the version that wrote it gave after a restart and `historyAfter`. */
interface WholeRecording extends Recording {
  readonly later: {
    readonly page: readonly string[];
    readonly events: readonly string[];
    readonly closingSpans: readonly string[];
  };
}

function read<T extends Recording>(version: number, what: string): T & { storage: MemoryStorage } {
  const path = `test/testdata/session_activity/journal-v${version}-${what}.json`;
  const recording: T = JSON.parse(readFileSync(path, "utf8"));
  const storage = new MemoryStorage();
  storage.records = recording.records.map((record) => Buffer.from(record, "base64"));
  storage.lastWrittenUnixMs = recording.lastWrittenUnixMs;
  return { ...recording, storage };
}

const forms = ["log", "snapshot"] as const;

/** Every payload is followed by the delivery of its events. */
function senderTo({ post, clock }: Awaited<ReturnType<typeof open>>): Sender {
  return {
    send: async (payload) => {
      await post(payload);
      await delivered();
    },
    advance: async (ms) => {
      clock.advance(ms);
      await delivered();
    },
  };
}

describe("a journal that version 1 wrote", () => {
  for (const what of forms) {
    test(`is read, as a ${what}: open work is decided by the rules of now`, async () => {
      const { storage, page } = read<Recording>(1, what);
      const after = await open(storage, { seed: 9, afterMs: 20_000 });
      expect(await after.page()).toEqual(page);
      // The end of a tool that version 1 evicted arrives: it is recognized and not counted again.
      await after.send({ id: 41, parent: 40, trace: 10, start: 1, end: 20, tool: "orphan" });
      after.clock.advance(60_000);
      await delivered();
      expect(after.events()).toMatchObject([
        { eventName: "session.activity.reconciled" },
        { eventName: "session.activity.evicted", tool: "exec" },
      ]);
      expect(await after.page()).toEqual([
        'ended_total{kind="run"} 2',
        'ended_total{kind="tool"} 1',
        'evicted_total{reason="orphaned_no_owner"} 2',
        'open{kind="run"} 3',
        'open{kind="tool"} 4',
        'started_total{kind="run"} 5',
        'started_total{kind="tool"} 7',
      ]);
      const again = await open(storage, { seed: 9, afterMs: 100_000 });
      expect(await again.page()).toEqual(await after.page());
    });
  }
});

describe("a journal that version 2 wrote", () => {
  for (const what of forms) {
    test(`is read, as a ${what}, and continued`, async () => {
      const { storage, page } = read<Recording>(2, what);
      const after = await open(storage, { seed: 9, afterMs: 20_000 });
      expect(await after.page()).toEqual(page);
      // The evicted tool is recognized, and the work of the process in a container continues.
      await after.send({ id: 41, parent: 40, trace: 10, start: 1, end: 20, tool: "orphan" });
      after.clock.advance(60_000);
      await delivered();
      expect(after.events()).toMatchObject([
        { eventName: "session.activity.reconciled" },
        { eventName: "session.activity.evicted", tool: "grep" },
      ]);
      expect(await after.page()).toEqual([
        'ended_total{kind="run"} 2',
        'ended_total{kind="tool"} 2',
        'evicted_total{reason="orphaned_no_owner"} 2',
        'open{kind="model_call"} 1',
        'open{kind="run"} 1',
        'open{kind="tool"} 2',
        'started_total{kind="model_call"} 1',
        'started_total{kind="run"} 3',
        'started_total{kind="tool"} 6',
      ]);
      const again = await open(storage, { seed: 9, afterMs: 100_000 });
      expect(await again.page()).toEqual(await after.page());
    });
  }
});

/** Version 3 did not name a requested tool that it evicted. The one of the history is `fetch`. */
const withoutRequestedName = (event: string): string =>
  event.replace("confidence=presumed gen_ai.tool.name=fetch", "confidence=presumed");

describe.each([
  [3, withoutRequestedName],
  [4, (event: string) => event],
] as const)("a journal that version %s wrote", (version, comparable) => {
  for (const what of forms) {
    test(`is read, as a ${what}, and continued exactly as that version continued it`, async () => {
      const { storage, page, later } = read<WholeRecording>(version, what);
      const after = await open(storage, { seed: 9, afterMs: 60_000, config: recordedConfig });
      await delivered();
      expect(await after.wholePage()).toEqual(page);
      await historyAfter(senderTo(after));
      expect(after.eventLines().map(comparable)).toEqual(later.events);
      expect(await after.wholePage()).toEqual(later.page);
      expect(after.closingSpans()).toEqual(later.closingSpans);
      storage.lastWrittenUnixMs = after.clock.unixMs();
      const again = await open(storage, { seed: 9, afterMs: 300_000, config: recordedConfig });
      expect(await again.page()).toEqual(await after.page());
    });

    test(`says the same, as a ${what}, as one that this version wrote of the same history`, async () => {
      const { records, lastWrittenUnixMs, later } = read<WholeRecording>(version, what);
      const storage = new MemoryStorage();
      const before = await open(storage, { config: recordedConfig });
      before.holdLogs();
      await historyBefore(senderTo(before));
      if (what === "snapshot") {
        storage.owner!.onSnapshotNeeded();
        before.clock.advance(200);
        await delivered();
        await historyAfterSnapshot(senderTo(before));
      }
      // This version records of a name that it keeps coming, too.
      const isOfBoth = (type: number | undefined) => type !== recordTypes.names;
      expect(storage.records.map(([type]) => type).filter(isOfBoth)).toEqual(
        records.map((record) => Buffer.from(record, "base64")[0]).filter(isOfBoth),
      );
      storage.lastWrittenUnixMs = lastWrittenUnixMs;
      const after = await open(storage, { seed: 9, afterMs: 60_000, config: recordedConfig });
      await delivered();
      await historyAfter(senderTo(after));
      expect(after.eventLines().map(comparable)).toEqual(later.events);
      expect(await after.wholePage()).toEqual(later.page);
    });
  }
});

describe("the journal of an older version", () => {
  for (const version of [1, 2, 3, 4]) {
    for (const what of forms) {
      test(`of version ${version}, a ${what}, is replaced by a snapshot of this version`, async () => {
        const { storage } = read<Recording>(version, what);
        const after = await open(storage, { seed: 9, afterMs: 60_000 });
        if (version === journalVersion) {
          storage.owner!.onSnapshotNeeded(); // The current version is replaced only on request.
        }
        const before = await after.page();
        after.clock.advance(200);
        await delivered();
        const stored = JSON.parse(Buffer.from(storage.records[0]!.subarray(1)).toString());
        expect(stored.version).toBe(journalVersion);
        // The key under which the first programs of version 3 read it.
        expect(stored.limits).toHaveProperty("tellsMarkers", false);
        expect(stored.limits).not.toHaveProperty("includesMarkers");
        expect(headerSchema.parse(stored)).toMatchObject({ version: journalVersion });
        const again = await open(storage, { seed: 9, afterMs: 60_200 });
        expect(await again.page()).toEqual(before);
      });
    }
  }
});
