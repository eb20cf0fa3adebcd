// A process that appends numbered records to the journal in the directory named, and now and then makes a snapshot,
// until it is killed. It says on stdout, with writes that block, what it found (`found n`), what it is about to
// append (`append n`) and what it was promised (`stored n`); a journal that is not as it should be ends it.
import { writeSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { openJournal } from "../../../src/extensions/file_storage/journal.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { keepProcessAlive, systemClock } from "../../../src/system-clock.ts";
import { partsOfSnapshot, Replay, recordOf } from "./crash-records.ts";

const [, , directory = "", seed = "0"] = process.argv;
let state = Number(seed);
/** A number below `below`; the same ones for the same seed. */
function chance(below: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  return (state >>> 8) % below;
}

const tell = (line: string) => writeSync(1, `${line}\n`);
keepProcessAlive();
flushCompileCache();
const replay = new Replay();
const quiet = () => {};
const journal = await openJournal({
  disk: systemDisk,
  directory,
  directoryMode: 0o700,
  clock: systemClock,
  logger: { debug: quiet, info: quiet, warn: quiet, error: (message) => tell(`bad ${message}`) },
  fsync: chance(2) === 0,
  flushIntervalMs: 1,
  maxSegmentBytes: 16 * 1024,
  compactsOnStart: false,
  name: "crash",
  owner: { take: (record) => replay.take(record), onSnapshotNeeded: quiet },
  onState: (state) => tell(`bad ${JSON.stringify(state)}`),
});
let last = replay.end();
if (journal.recovered.lostBytes > 0) {
  tell(`bad ${journal.recovered.lostBytes} bytes lost`);
}
if (Object.values(journal.unusable).some((files) => files > 0)) {
  tell(`bad ${JSON.stringify(journal.unusable)}`);
}
tell(`found ${last}`);

for (;;) {
  const first = last + 1;
  last += 1 + chance(20);
  tell(`append ${last}`);
  for (let number = first; number < last; number += 1) {
    journal.append(recordOf(number));
  }
  if (chance(4) === 0) {
    journal.appendNow(recordOf(last));
    tell(`stored ${last}`);
  } else {
    journal.append(recordOf(last));
  }
  if (chance(6) === 0) {
    const number = last;
    void journal.snapshot(partsOfSnapshot(number)).then(({ status }) => {
      if (status === "done") {
        tell(`stored ${number}`);
      }
    });
  }
  if (chance(3) > 0) {
    const number = last;
    await journal.written();
    tell(`stored ${number}`);
  } else {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
