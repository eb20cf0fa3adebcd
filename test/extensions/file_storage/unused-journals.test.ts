import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { reportUnusedJournals } from "../../../src/extensions/file_storage/unused-journals.ts";
import { testSettings } from "../../exporters/settings.ts";

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
    writeFileSync(path, Buffer.alloc(bytes));
    const seconds = (nowUnixMs - (ageH + index) * hourMs) / 1000;
    utimesSync(path, seconds, seconds);
  }
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
    journal(`exporter_debug.${index}`, { "log-00000001": 1 }, index);
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
