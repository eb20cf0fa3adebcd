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

describe("a snapshot that closes a gap", () => {
  for (const wait of ["written", "synced"] as const) {
    test(`stores what is appended beside it before \`${wait}\` resolves, and before the state is ok again`, async () => {
      const disk = new FakeDisk();
      let operations: FakeDisk["operations"] = [];
      const { journal, clock } = await open({
        disk,
        onState: () => {
          operations = [...disk.operations];
        },
      });
      disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
      journal.append(bytesOf("first"));
      await journal.written();
      await settled();
      disk.fault = () => undefined;
      const { promise: isHeld, resolve: goOn } = Promise.withResolvers<void>();
      disk.pause = (name) => (name === "rename" ? isHeld : undefined);
      const snapshot = journal.snapshot([bytesOf("first")]);
      await settled();
      journal.append(bytesOf("second"));
      const waiting = journal[wait]();
      await settled();
      clock.advance(10); // the flush interval
      await waiting;
      expect(journal.state().status).toBe("degraded");
      goOn();
      expect(await snapshot).toEqual({ status: "done" });
      expect(await recovered(FakeDisk.after(operations))).toEqual(["first", "second"]);
    });
  }

  test("ends the degraded state only when a record can be written at once", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
    journal.append(bytesOf("first"));
    await journal.written();
    await settled();
    disk.fault = () => undefined;
    const { promise: isHeld, resolve: goOn } = Promise.withResolvers<void>();
    disk.pause = (name, path) => (name === "create" && path.includes("/log-") ? isHeld : undefined);
    const snapshot = journal.snapshot([bytesOf("first")]);
    await settled();
    // The snapshot is complete, and the log has no file yet.
    expect([...disk.files().keys()].some((path) => path.includes("/snapshot-"))).toBe(true);
    expect(journal.state().status).toBe("degraded");
    expect(journal.appendNow(bytesOf("second"))).toBe(false);
    goOn();
    expect(await snapshot).toEqual({ status: "done" });
    expect(journal.state().status).toBe("ok");
    expect(journal.appendNow(bytesOf("third"))).toBe(true);
    expect(await recovered(FakeDisk.of(disk.files()))).toEqual(["first", "second", "third"]);
  });

  test("keeps nobody waiting when it fails", async () => {
    const disk = new FakeDisk();
    const { journal } = await open({ disk });
    disk.fault = (name) => (name === "write" ? "ENOSPC" : undefined);
    journal.append(bytesOf("first"));
    await journal.written();
    await settled();
    const snapshot = journal.snapshot([bytesOf("first")]);
    journal.append(bytesOf("second"));
    await journal.written();
    await journal.synced();
    expect(await snapshot).toEqual({ status: "failed", reason: "no_space" });
  });
});
