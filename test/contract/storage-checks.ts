import type { Subject } from "./component-setup.ts";
import { openJournal } from "./exercise.ts";
import { type Harness, withHarness } from "./harness.ts";

/** Journals open while the extension runs, and only then. */
export async function opensJournalsWhileItRuns(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await mustRefuse(harness, "has not started");
    await harness.start();
    const { recovered } = await openJournal(harness);
    if (recovered.records !== 0) {
      throw new Error("It recovered records from an empty folder.");
    }
    await harness.shutdown();
    await mustRefuse(harness, "has shut down");
  });
}

/** After the shutdown a journal stores nothing, and every call to it still returns. */
export async function journalsAnswerAfterShutdown(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    const journal = await openJournal(harness);
    await harness.shutdown();
    await harness.within(
      "An answer of the journal",
      harness.run(async () => {
        journal.append(Buffer.from("late"));
        await journal.written();
        await journal.synced();
        journal.discard();
        const { status } = await journal.snapshot([]);
        if (journal.appendNow(Buffer.from("late")) || status === "done") {
          throw new Error("Its journal stores records after the shutdown.");
        }
      }),
    );
  });
}

async function mustRefuse(harness: Harness, when: string): Promise<void> {
  const why = await openJournal(harness).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(why instanceof Error)) {
    throw new Error(`It ${when}, but it opened a journal.`);
  }
}
