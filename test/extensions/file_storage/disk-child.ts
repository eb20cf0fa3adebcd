// A process that appends records to the journal in the directory named until the disk takes no more, waits for a
// line on stdin, and then goes on with a snapshot when it is asked for one. It says what happens on stdout.
import { openJournal } from "../../../src/extensions/file_storage/journal.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { keepProcessAlive, systemClock } from "../../../src/system-clock.ts";

const [, , directory = ""] = process.argv;
const letGo = keepProcessAlive();
const log = (level: string) => (message: string, fields?: unknown) =>
  console.log(`${level} ${message} ${JSON.stringify(fields)}`);

let stored = 0;
const journal = await openJournal({
  disk: systemDisk,
  directory,
  directoryMode: 0o700,
  clock: systemClock,
  logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
  fsync: true,
  flushIntervalMs: 1,
  maxSegmentBytes: 256 * 1024,
  compactsOnStart: false,
  name: "sample",
  owner: {
    take() {},
    onSnapshotNeeded() {
      void journal.snapshot([Buffer.from("snapshot")]).then(({ status }) => {
        console.log(`snapshot ${status}`);
      });
    },
  },
  onState: ({ status }) => console.log(`state ${status}`),
});

const record = Buffer.alloc(10_000, "r");
while (journal.state().status === "ok") {
  journal.append(record);
  await journal.written();
  stored += journal.state().status === "ok" ? 1 : 0;
}
console.log(`stored ${stored}`);
// Until somebody has made room.
while (journal.state().status !== "ok") {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
journal.append(Buffer.from("after"));
await journal.written();
console.log("stored again");
await journal.close();
letGo();
