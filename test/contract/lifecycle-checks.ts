import type { Subject } from "./component-setup.ts";
import { exercise } from "./exercise.ts";
import { withHarness } from "./harness.ts";
import { mustBeNone, mustHaveLeftNothing, shutDownAfterDeadline } from "./shutdown.ts";
import { settle } from "./waiting.ts";

/** Creating and connecting the component has no effects. */
export async function createDoesNothing(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await settle();
    mustBeNone("It was only created, but has caused:", harness.effects());
  });
}

/** The component has exactly the roles that its factory declares. */
export async function hasItsRoles(subject: Subject): Promise<void> {
  await withHarness(subject, async ({ component }) => {
    const { receiver, processor, exporter, scraped, storage } = subject.factory.roles;
    for (const [role, isDeclared, isThere] of [
      ["receiver", receiver !== undefined, component.receiver !== undefined],
      ["processor", processor !== undefined, component.processor !== undefined],
      ["exporter.consumer", exporter !== undefined, component.exporter?.consumer !== undefined],
      ["exporter.attach", scraped === true, component.exporter?.attach !== undefined],
      ["storage", storage === true, component.storage !== undefined],
    ] as const) {
      if (isDeclared !== isThere) {
        throw new Error(
          `Its factory ${isDeclared ? "declares" : "does not declare"} the role ${role}, but the component has ${isThere ? "it" : "none"}.`,
        );
      }
    }
  });
}

/** After a start, use in every role and a shutdown, nothing is left in the process. */
export async function leavesNothing(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await exercise(harness);
    await harness.shutdown();
    await mustHaveLeftNothing(harness);
  });
}

/** A second shutdown succeeds, both during the first and after it. */
export async function shutsDownTwice(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await exercise(harness);
    await Promise.all([harness.shutdown(), harness.shutdown()]);
    await harness.shutdown();
    await mustHaveLeftNothing(harness);
  });
}

/** A component that was never started shuts down without effects. */
export async function shutsDownBeforeStart(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.shutdown();
    await settle();
    mustBeNone("It was only shut down, but has caused:", harness.effects());
  });
}

/** A shutdown whose deadline has passed before it begins ends, too. */
export async function heedsPassedDeadline(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await exercise(harness);
    await shutDownAfterDeadline(harness);
    // Writes may still be in flight; a second shutdown waits for them.
    await harness.shutdown();
    await mustHaveLeftNothing(harness);
  });
}

/** If the storage does not open, the start fails, and a shutdown then leaves nothing. */
export async function survivesFailedStart(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    harness.storage.behavior = "refuses";
    const why = await harness.start().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(why instanceof Error)) {
      throw new Error("Its storage did not open, but it started.");
    }
    await harness.shutdown();
    await mustHaveLeftNothing(harness);
  });
}

/** An instance that takes the place of another one works as that did, on the same port, and nothing is left of either. */
export async function goesOnAsSuccessor(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await exercise(harness);
    const before = subject.setup.listens === true ? harness.endpoint : undefined;
    await harness.replace();
    await exercise(harness);
    await harness.replace();
    await exercise(harness);
    if (before !== undefined && harness.endpoints.some((each) => each !== before)) {
      throw new Error("It listens on another port than the instance before it.");
    }
    await harness.shutdown();
    await mustHaveLeftNothing(harness);
  });
}

/** What it has stored is handed over with the open journal, which a storage opens only once. */
export async function handsOverItsJournal(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    if (harness.component.state === undefined) {
      throw new Error("It stores something, but has no `state` that hands it over at a reload.");
    }
    await harness.replace();
    if (harness.storage.opened !== 1) {
      throw new Error("The instance after it opened the journal that was handed over to it.");
    }
    await harness.shutdown();
    await mustHaveLeftNothing(harness);
  });
}
