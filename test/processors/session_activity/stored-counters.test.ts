import { expect, test } from "vitest";
import { MemoryStorage } from "../../activity/journal/memory-journal.ts";
import { open } from "../../activity/journal/restarted-collector.ts";
import { deferred } from "../../support/deferred.ts";

/** A collector whose disk does not answer any more, and a page of it that was asked for since. */
async function askedBesideHungDisk() {
  const storage = new MemoryStorage();
  const collector = await open(storage);
  await collector.send({ id: 1, start: 0, session: "s" });
  const stored = deferred<void>();
  storage.isWritten = stored.promise;
  let isShown = false;
  const page = collector.wholePage().then((lines) => {
    isShown = true;
    return lines;
  });
  const look = async () => {
    for (let turn = 0; turn < 20; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return isShown;
  };
  return { ...collector, stored, page, look };
}

const started = 'openclaw_session_activity_started_total{openclaw_kind="run"} 1';

test("a page is shown when what it counts is stored", async () => {
  const { stored, page, look } = await askedBesideHungDisk();
  expect(await look()).toBe(false);
  stored.resolve();
  expect(await page).toContain(started);
});

test("a page is shown after a second or so beside a disk that hangs", async () => {
  const { clock, page, look } = await askedBesideHungDisk();
  expect(await look()).toBe(false);
  clock.advance(900);
  expect(await look()).toBe(false);
  clock.advance(300);
  expect(await page).toContain(started);
});
