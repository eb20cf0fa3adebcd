import { describe, expect, test } from "vitest";
import { SnapshotRequests } from "../../../src/extensions/file_storage/snapshot-requests.ts";
import { deferred } from "../../support/deferred.ts";
import { settled } from "./open-journal.ts";
import { openWatchedLog } from "./watched-log.ts";

/** Requests of a journal that has a gap, and the times in s after which the owner was asked. */
async function degraded() {
  const made = await openWatchedLog();
  const { clock, status, log, watch } = made;
  const requests = new SnapshotRequests({ clock, status, log, watch });
  log.writer.fail("no_space", undefined);
  const askedWithin = async (seconds: number) => {
    const times: number[] = [];
    for (let second = 1; second <= seconds; second += 1) {
      const before = made.asked();
      clock.advance(1_000);
      await settled();
      if (made.asked() > before) {
        times.push(second);
      }
    }
    return times;
  };
  return { ...made, requests, askedWithin };
}

describe("requests for snapshots", () => {
  test("come every second until the owner has begun one, and again when that has failed, later", async () => {
    const { requests, askedWithin } = await degraded();
    requests.requestLater();
    expect(await askedWithin(3)).toEqual([1, 2, 3]);
    requests.onBegun();
    expect(await askedWithin(100)).toEqual([]);
    requests.onFailed();
    requests.onEnded();
    expect(await askedWithin(5)).toEqual([2, 4]);
  });

  test("wait up to 60 s where the directory cannot be prepared, without asking the owner", async () => {
    const { place, claims, requests, askedWithin } = await degraded();
    let claimed = 0;
    claims.answer = () => {
      claimed += 1;
      return Promise.reject(new Error("not yet"));
    };
    place.forget();
    requests.requestLater();
    expect(await askedWithin(63)).toEqual([]);
    expect(claimed).toBe(6);
    claims.answer = async () => {};
    expect(await askedWithin(60)).toEqual([60]);
  });

  for (const [what, change] of [
    ["the owner has begun one", ({ requests }) => requests.onBegun()],
    [
      "the journal is closed",
      ({ status }) => {
        status.isClosed = true;
      },
    ],
  ] as const satisfies readonly (readonly [
    string,
    (made: Awaited<ReturnType<typeof degraded>>) => void,
  ])[]) {
    test(`do not reach the owner if ${what} while the directory was prepared`, async () => {
      const made = await degraded();
      const gate = deferred<void>();
      made.claims.answer = () => gate.promise;
      made.place.forget();
      made.requests.requestNow();
      await settled();
      change(made);
      gate.resolve();
      await settled();
      expect({ isReady: made.place.isReady, asked: made.asked() }).toEqual({
        isReady: true,
        asked: 0,
      });
    });
  }

  test("end with stop, which waits for the one that is on its way", async () => {
    const { place, claims, requests, askedWithin } = await degraded();
    const gate = deferred<void>();
    claims.answer = () => gate.promise;
    place.forget();
    requests.requestNow();
    let isStopped = false;
    const stopped = requests.stop().then(() => {
      isStopped = true;
    });
    await settled();
    expect(isStopped).toBe(false);
    gate.resolve();
    await stopped;
    requests.requestLater();
    await requests.stop();
    expect(await askedWithin(10)).toEqual([]);
  });
});
