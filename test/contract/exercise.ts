import { connect } from "node:net";
import type { Journal } from "../../src/component/storage.ts";
import type { Harness } from "./harness.ts";
import { samplePayloads } from "./payloads.ts";

/** Uses a started component in every role and for every signal, so that it opens everything it ever opens. */
export async function exercise(harness: Harness): Promise<void> {
  const { factory, setup } = harness.subject;
  for (const place of ["processor", "exporter"] as const) {
    for (const payload of (factory.roles[place] ?? []).flatMap(samplePayloads)) {
      await harness.within("An answer", harness.consume(place, payload));
    }
  }
  for (const feed of Object.values(setup.feed ?? {})) {
    await harness.within("Feeding the component", feed(harness));
  }
  if (setup.request !== undefined) {
    await setup.request(harness);
  }
  if (setup.listens === true) {
    await openIdleConnection(harness.endpoint);
  }
  if (factory.roles.storage === true) {
    const journal = await openJournal(harness);
    await harness.run(async () => {
      journal.append(Buffer.from("contract"));
      await harness.within("Writing to the journal", journal.written());
    });
  }
  await harness.advance(60_000);
}

/** Opens a journal of the storage extension. */
export function openJournal(harness: Harness): Promise<Journal> {
  const owner = { take() {}, onSnapshotNeeded() {} };
  const opening = harness.run(() =>
    harness.component.storage!.openJournal({ kind: "processor", id: "contract" }, owner),
  );
  return harness.within("Opening a journal", opening);
}

/** Connects, sends nothing and leaves the connection open. */
async function openIdleConnection(endpoint: string): Promise<void> {
  const { hostname, port } = new URL(`http://${endpoint}`);
  const socket = connect(Number(port), hostname);
  socket.unref();
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => {});
}
