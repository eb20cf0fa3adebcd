// A process that takes the lock of the directory named and keeps it until it is ended, or prints why it cannot.
import { lockDirectory } from "../../../src/extensions/file_storage/lock.ts";
import { systemDisk } from "../../../src/extensions/file_storage/system-disk.ts";
import { keepProcessAlive, systemClock } from "../../../src/system-clock.ts";

const [, , directory = "", timeoutMs = "0"] = process.argv;
const letGo = keepProcessAlive();
try {
  const lock = await lockDirectory(directory, {
    disk: systemDisk,
    clock: systemClock,
    timeoutMs: Number(timeoutMs),
  });
  console.log("locked");
  process.once("SIGTERM", () => {
    lock.release();
    letGo();
  });
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  letGo();
}
