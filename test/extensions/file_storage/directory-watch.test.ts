import { describe, expect, test } from "vitest";
import { bytesOf, directory } from "./open-journal.ts";
import { name, openWatchedLog } from "./watched-log.ts";

describe("the watch over a directory", () => {
  test("fails the log once when its files are gone, and leaves it alone while they are there", async () => {
    const { disk, counts, status, watch } = await openWatchedLog();
    await watch.verify();
    expect(status.state).toEqual({ status: "ok" });
    disk.removeTree(directory);
    await watch.verify();
    await watch.verify();
    expect(status.state).toEqual({ status: "degraded", reason: "removed" });
    expect(counts.writeErrors.removed).toBe(1);
  });

  test("does not look while the log has a gap, because another failure is known already", async () => {
    const { disk, status, log, watch } = await openWatchedLog();
    log.writer.fail("no_space", undefined);
    disk.removeTree(directory);
    let reads = 0;
    disk.pause = () => {
      reads += 1;
    };
    await watch.verify();
    expect({ reason: status.reason, reads }).toEqual({ reason: "no_space", reads: 0 });
  });

  test("prepares a directory that is not ready, and logs each reason why that failed once in a row", async () => {
    const { claims, logger, place, watch } = await openWatchedLog();
    place.forget();
    for (const message of ["one", "one", "two", "one"]) {
      claims.answer = () => Promise.reject(new Error(message));
      expect(await watch.prepare()).toBe(false);
    }
    const line = (because: string) => [
      "warn",
      "State is still not stored.",
      { journal: name, because },
    ];
    expect(logger.lines).toEqual([line("one"), line("two"), line("one")]);
    claims.answer = async () => {};
    expect(await watch.prepare()).toBe(true);
    expect(place.isReady).toBe(true);
    expect(logger.lines).toHaveLength(3);
  });

  test("ends the log for good when another process has taken the directory, whether or not it has a gap", async () => {
    for (const hasGap of [false, true]) {
      const { counts, status, log, watch } = await openWatchedLog();
      if (hasGap) {
        log.writer.fail("no_space", undefined);
      }
      watch.onTaken();
      watch.onTaken();
      expect(status.isTaken).toBe(true);
      expect(counts.writeErrors.in_use).toBe(1);
      expect(log.writer.add(bytesOf("a"))).toBe(false);
    }
  });

  test("finds the files of another process in a directory that it prepares, and leaves them alone", async () => {
    const { disk, place, status, log, watch } = await openWatchedLog();
    log.writer.fail("removed", undefined);
    disk.removeTree(directory);
    place.forget();
    disk.replaceFile(`${directory}/log-00000009`, bytesOf("of another one"));
    expect(await watch.prepare()).toBe(false);
    expect(status.isTaken).toBe(true);
    expect(place.isReady).toBe(false);
    expect([...disk.files().keys()]).toEqual([`${directory}/log-00000009`]);
  });
});
