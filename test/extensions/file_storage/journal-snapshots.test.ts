import { describe, expect, test } from "vitest";
import { FakeDisk } from "./fake-disk.ts";
import { bytesOf, open, recovered, settled } from "./open-journal.ts";

describe("a snapshot that was to close a gap and has failed", () => {
  test("takes the log with it that was restarted for it, and what was stored before stays", async () => {
    const disk = new FakeDisk();
    const { journal, states } = await open({ disk, maxSegmentBytes: 100 });
    journal.append(bytesOf("before"));
    await journal.written();
    disk.fault = (name) => (name === "write" ? "EIO" : undefined);
    journal.append(bytesOf("lost"));
    await journal.written();
    await settled();
    const before = disk.files();
    disk.fault = (name, path) =>
      name === "rename" && path.includes("snapshot-") ? "EIO" : undefined;
    const snapshot = journal.snapshot([bytesOf("state")]);
    for (const text of ["a", "b", "c"]) {
      journal.append(bytesOf(text.repeat(100)));
      await settled();
    }
    expect(await snapshot).toEqual({ status: "failed", reason: "io_error" });
    expect(disk.files()).toEqual(before);
    expect(await recovered(disk)).toEqual(["before"]);
    expect(states).toEqual([{ status: "degraded", reason: "io_error" }]);
    expect(journal.counts.droppedRecords.io_error).toBe(4);
  });
});
