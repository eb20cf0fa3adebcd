import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Journal } from "../../../src/component/storage.ts";
import { openJournal } from "../../../src/extensions/file_storage/journal.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { reportUnusedJournals } from "../../../src/extensions/file_storage/unused-journals.ts";
import { testSettings } from "../../exporters/settings.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const nowUnixMs = 1_795_000_000_000;
const hourMs = 3_600_000;

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "unused-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A journal with files of these sizes, each an hour older than the one before. */
function journal(name: string, sizes: Readonly<Record<string, number>>, ageH = 0) {
  mkdirSync(join(folder, name));
  for (const [index, [file, bytes]] of Object.entries(sizes).entries()) {
    const path = join(folder, name, file);
    writeFileSync(path, Buffer.alloc(bytes, "x"));
    const seconds = (nowUnixMs - (ageH + index) * hourMs) / 1000;
    utimesSync(path, seconds, seconds);
  }
}

/** A journal that an owner has filled and closed. */
async function stored(
  name: string,
  records: readonly string[],
  before: (journal: Journal) => void = () => {},
) {
  const journal = await openJournal({
    disk: systemDisk,
    directory: join(folder, name),
    directoryMode: 0o700,
    clock: new FakeClock(),
    logger: testSettings("file_storage").settings.logger,
    fsync: false,
    flushIntervalMs: 10,
    maxSegmentBytes: 1024 * 1024,
    compactsOnStart: false,
    name,
    owner: { take() {}, onSnapshotNeeded() {} },
    onState() {},
  });
  for (const record of records) {
    journal.append(Buffer.from(record));
  }
  before(journal);
  await journal.close();
}

async function report(used: readonly string[] = [], directory = folder) {
  const { settings, log } = testSettings("file_storage");
  await reportUnusedJournals(directory, {
    used: new Set(used),
    nowUnixMs,
    logger: settings.logger,
  });
  return log;
}

test("the journal of a component that is gone is reported with its size and age, and kept", async () => {
  journal("exporter_otlp_http.old", { "snapshot-0000000000000007": 70, "log-00000002": 30 }, 50);
  journal("processor_session_activity", { "log-00000001": 100 });
  expect(await report(["processor_session_activity"])).toEqual([
    {
      level: "warn",
      message: expect.stringMatching(/^Stored data belongs to a component that is not in the conf/),
      fields: {
        journal: "exporter_otlp_http.old",
        directory: join(folder, "exporter_otlp_http.old"),
        bytes: 100,
        age_h: 50,
      },
    },
  ]);
  expect(readdirSync(join(folder, "exporter_otlp_http.old"))).toHaveLength(2);
});

test("the records of a journal are counted, unless it is large, and one without any is not reported", async () => {
  await stored("exporter_some", ["a", "b"]);
  await stored("exporter_large", ["a".repeat(5_000_000)]);
  await stored("exporter_closed", []);
  await stored("exporter_discarded", ["a"], (journal) => journal.discard());
  expect(readdirSync(folder).sort()).toEqual([
    "exporter_closed",
    "exporter_large",
    "exporter_some",
  ]);
  const log = await report();
  const found = log.map(({ fields }) => [fields?.["journal"], fields?.["records"]]);
  expect(found.toSorted()).toEqual([
    ["exporter_large", undefined],
    ["exporter_some", 2],
  ]);
});

test("what is not a journal with data is nobody's, and not reported", async () => {
  journal("exporter_empty", {});
  journal("exporter_notes", { "notes.txt": 10 });
  journal("lost+found", { "log-00000001": 10 });
  writeFileSync(join(folder, "exporter_file"), "text");
  writeFileSync(join(folder, "lock"), "");
  expect(await report()).toEqual([]);
});

test("of many journals the newest are reported, and the others counted", async () => {
  for (let index = 0; index < 25; index += 1) {
    journal(`exporter_debug.${index}`, { "log-00000001": 100 }, index);
  }
  const log = await report();
  expect(log.slice(0, 20).map(({ fields }) => fields?.["journal"])).toEqual(
    Array.from({ length: 20 }, (_, index) => `exporter_debug.${index}`),
  );
  expect(log.slice(20)).toEqual([
    {
      level: "warn",
      message: "More stored data belongs to components that do not use it.",
      fields: { directory: folder, journals: 5 },
    },
  ]);
});

test("a directory that does not exist has none", async () => {
  expect(await report([], join(folder, "nothing"))).toEqual([]);
});

test("a place that cannot be searched is a warning and no failure", async () => {
  writeFileSync(join(folder, "file"), "");
  const directory = join(folder, "file");
  expect(await report([], directory)).toEqual([
    {
      level: "warn",
      message: "The directory of the storage cannot be searched for data that is not used.",
      fields: { directory, "error.code": "ENOTDIR" },
    },
  ]);
});
