import type { Subject } from "./component-setup.ts";
import { type Harness, withHarness } from "./harness.ts";
import { mustHaveLeftNothing, shutDownAtDeadline } from "./shutdown.ts";

/** A request makes it collect from its sources, once. */
export async function asksItsSources(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    const status = await scrape(harness);
    if (status !== 200 || harness.source.asked !== 1) {
      throw new Error(
        `It answered ${status} and collected ${harness.source.asked} times from its source.`,
      );
    }
    await harness.shutdown();
  });
}

/** A source that throws or rejects costs one request. Later requests succeed. */
export async function survivesBrokenSource(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    for (const behavior of ["throws", "rejects", "answers"] as const) {
      harness.source.behavior = behavior;
      const status = await scrape(harness);
      if ((status === 200) !== (behavior === "answers")) {
        throw new Error(`It answered ${status} although its source ${behavior}.`);
      }
    }
    await harness.shutdown();
  });
}

/** A shutdown ends at its deadline although a source never answers. */
export async function heedsDeadlineWhenAsked(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    harness.hangEverything();
    scrape(harness).catch(() => {}); // The shutdown cuts the connection.
    await harness.until("Collecting from the source", () => harness.source.asked > 0);
    await shutDownAtDeadline(harness);
    await mustHaveLeftNothing(harness);
  });
}

async function scrape(harness: Harness): Promise<number> {
  const { factory, setup } = harness.subject;
  if (setup.request === undefined) {
    throw new Error(
      `The contract suite cannot scrape the ${factory.kind} ${factory.type}. Add \`request\` to its entry in test/contract/component-setups.ts.`,
    );
  }
  return await harness.within("The answer", setup.request(harness));
}
