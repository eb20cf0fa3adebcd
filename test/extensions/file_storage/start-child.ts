// A process that starts a file_storage in the directory named, as the user named, with the options given, opens a journal, and prints why it cannot.
import { schema } from "../../../src/extensions/file_storage/config.ts";
import { createFileStorage } from "../../../src/extensions/file_storage/extension.ts";
import { noDeadline, testSettings } from "../../exporters/settings.ts";

const [, , directory = "", user = "0", section = "{}"] = process.argv;
// Here and not outside, because another user could perhaps not read the program.
process.setgroups?.([]);
process.setgid?.(Number(user));
process.setuid?.(Number(user));
const { settings } = testSettings("file_storage");
const component = createFileStorage(settings, schema.parse({ directory, ...JSON.parse(section) }));
try {
  await component.start();
  await component.storage?.openJournal(
    { kind: "processor", id: "sample" },
    { take() {}, onSnapshotNeeded() {} },
  );
  console.log("started");
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
}
await component.shutdown(noDeadline());
