import { copyFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { accepted } from "../../../src/component/consumer.ts";
import { FileTable } from "../../../src/receivers/otlp_json_file/file-table.ts";
import { OffsetJournal } from "../../../src/receivers/otlp_json_file/offset-journal.ts";
import { DiskStorage } from "../../delivery/disk-storage.ts";
import { FakeDisk } from "../../extensions/file_storage/fake-disk.ts";
import { lineOf, reader, temporaryFolder } from "./harness.ts";
import { stored } from "./stored-reader.ts";

/** A line with a metric, and a log record with the text. */
function lineOfTwo(text: string): string {
  const metric = { sum: { dataPoints: [{}] } };
  const line = {
    ...JSON.parse(lineOf(text)),
    resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }],
  };
  return `${JSON.stringify(line)}\n`;
}

describe("with a storage", () => {
  for (const how of ["end", "killed"] as const) {
    test(`a start goes on after the last line that was done (${how})`, async () => {
      const folder = temporaryFolder();
      const first = stored(new FakeDisk(), folder);
      await first.start();
      first.append("a.jsonl", lineOf("1") + lineOf("2"));
      await first.poll(2);
      await first.pollAll();
      const disk = await first[how]();
      const second = stored(disk, folder);
      second.append("a.jsonl", lineOf("3"));
      await second.start();
      expect(await second.pollAll()).toEqual(["3"]);
      await second.end();
    });
  }

  test("a line that was not answered is read again", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder);
    first.setAnswer(async (text) =>
      text === "2" ? { status: "retryable", message: "Later." } : accepted,
    );
    await first.start();
    first.append("a.jsonl", lineOf("1") + lineOf("2") + lineOf("3"));
    await first.poll(2);
    const second = stored(await first.end(), folder);
    await second.start();
    expect(await second.pollAll()).toEqual(["2", "3"]);
    await second.end();
  });

  for (const how of ["end", "killed"] as const) {
    test(`a signal of a line that was done is not passed on again, while the next one waits (${how})`, async () => {
      const folder = temporaryFolder();
      const first = stored(new FakeDisk(), folder);
      first.setAnswer(async (text) =>
        text === "logs" ? { status: "retryable", message: "Later." } : accepted,
      );
      await first.start();
      first.append("a.jsonl", lineOf("before") + lineOfTwo("logs") + lineOf("after"));
      await first.poll(3);
      expect(first.taken).toEqual(["before", "metrics", "logs"]);
      const second = stored(await first[how](), folder);
      await second.start();
      expect(await second.pollAll()).toEqual(["logs", "after"]);
      await second.end();
    });
  }

  test("another line in the place of one that was partly done is passed on as a whole", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder);
    first.setAnswer(async (text) =>
      text === "old" ? { status: "retryable", message: "Later." } : accepted,
    );
    await first.start();
    first.append("a.jsonl", lineOfTwo("old"));
    await first.poll(2);
    const disk = await first.end();
    writeFileSync(first.path("a.jsonl"), lineOfTwo("new"));
    const second = stored(disk, folder);
    await second.start();
    expect(await second.pollAll()).toEqual(["metrics", "new"]);
    await second.end();
  });

  test("files that were rotated meanwhile are read to their end, and new ones from the beginning, whatever start_at says", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder, { start_at: "end" });
    first.append("a.jsonl", lineOf("old"));
    await first.start();
    first.append("a.jsonl", lineOf("1"));
    await first.poll(1);
    await first.pollAll();
    const disk = await first.end();
    first.append("a.jsonl", lineOf("2"));
    renameSync(first.path("a.jsonl"), first.path("a-1.jsonl"));
    first.append("a.jsonl", lineOf("3"));
    const second = stored(disk, folder, { start_at: "end" });
    await second.start();
    expect(await second.pollAll()).toEqual(["2", "3"]);
    await second.end();
  });

  test("a file that was replaced meanwhile is read from its beginning", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder);
    await first.start();
    first.append("a.jsonl", lineOf("1"));
    await first.poll(1);
    await first.pollAll();
    const disk = await first.end();
    // The same inode, longer and other content.
    writeFileSync(first.path("a.jsonl"), lineOf("2") + lineOf("3"));
    const second = stored(disk, folder);
    await second.start();
    expect(await second.pollAll()).toEqual(["2", "3"]);
    await second.end();
  });

  test("the rest of a line that is too long is passed over", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder, { max_log_size: "1KiB" });
    await first.start();
    first.append("a.jsonl", "x".repeat(3_000));
    await first.pollAll();
    const second = stored(await first.end(), folder, { max_log_size: "1KiB" });
    second.append("a.jsonl", `yy\n${lineOf("1")}`);
    await second.start();
    expect(await second.pollAll()).toEqual(["1"]);
    expect(await second.ownMetrics()).not.toMatch(/skipped_lines\{[^}]*\} [1-9]/);
    await second.end();
  });

  test("the offset of a file that is gone at a start is kept for when it is back", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder);
    await first.start();
    first.append("a.jsonl", lineOf("1"));
    await first.poll(1);
    await first.pollAll();
    let disk = await first.end();
    renameSync(first.path("a.jsonl"), first.path("a.away"));
    const second = stored(disk, folder);
    await second.start();
    await second.pollAll();
    disk = await second.end();
    renameSync(first.path("a.away"), first.path("a.jsonl"));
    const third = stored(disk, folder);
    third.append("a.jsonl", lineOf("2"));
    await third.start();
    expect(await third.pollAll()).toEqual(["2"]);
    await third.end();
  });

  test("a copy of a file is a file of its own", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder);
    await first.start();
    first.append("a.jsonl", lineOf("1"));
    await first.poll(1);
    await first.pollAll();
    const disk = await first.end();
    copyFileSync(first.path("a.jsonl"), first.path("copy.jsonl"));
    rmSync(first.path("a.jsonl"));
    const second = stored(disk, folder);
    await second.start();
    expect(await second.pollAll()).toEqual(["1"]);
    await second.end();
  });

  test("many lines leave a short log, and no line is read twice", async () => {
    const folder = temporaryFolder();
    const first = stored(new FakeDisk(), folder);
    await first.start();
    const lines = Array.from({ length: 9_000 }, (_, index) => lineOf(String(index)));
    first.append("a.jsonl", lines.join(""));
    await first.pollAll();
    expect(first.logBytes()).toBeLessThan(1_100_000);
    const disk = await first.end();
    const second = stored(disk, folder);
    await second.start();
    expect(await second.pollAll()).toEqual([]);
    await second.end();
  });
});

test("a file that is gone for good is forgotten", async () => {
  const folder = temporaryFolder();
  const first = stored(new FakeDisk(), folder, { delete_after_read: true });
  await first.start();
  first.append("a.jsonl", lineOf("1"));
  await first.pollAll();
  const disk = await first.end();
  const journal = new OffsetJournal();
  expect(await journal.open(new DiskStorage(disk))).toEqual([]);
});

test("a snapshot has the offsets of files that were not found since the start", () => {
  const table = new FileTable({
    maxOpenFiles: 2,
    startsAtEnd: false,
    readsAgain: false,
    onForgotten() {},
    onUnreadable() {},
    onFull() {},
  });
  const fingerprint = [{ at: 0, length: 3, hash: "ab" }];
  const offset = { file: "1:2", offset: 3, isInSkippedLine: false, fingerprint };
  table.restore([offset]);
  expect([...table.offsets()]).toEqual([offset]);
});

test("offsets of a newer version end the start with advice", async () => {
  const storage = new DiskStorage(new FakeDisk());
  const journal = await storage.openJournal({ take() {}, onSnapshotNeeded() {} });
  journal.append(Buffer.from('{"version":2}'));
  await storage.journal?.close();
  const subject = reader({ storage: "s" }, { storage });
  await expect(subject.start()).rejects.toThrow(
    "The stored offsets were written by a newer version of this program.",
  );
  await subject.stop();
});
