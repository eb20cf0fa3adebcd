import type { Signal } from "../../src/otlp/payload.ts";
import type { Subject } from "./component-setup.ts";
import { collectGarbage } from "./garbage.ts";
import { type Harness, withHarness } from "./harness.ts";
import { mustHaveLeftNothing, shutDownAtDeadline } from "./shutdown.ts";

/** It passes on payloads of the signal, each with bytes and items. */
export async function passesOn(subject: Subject, signal: Signal): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await feed(harness, signal);
    for (const payload of harness.next("receiver", signal).taken) {
      if (payload.signal !== signal || payload.items < 1 || payload.bytes.length === 0) {
        const { bytes, ...rest } = payload;
        throw new Error(
          `As ${signal} it passed on ${JSON.stringify(rest)} with ${bytes.length} bytes.`,
        );
      }
    }
    await harness.shutdown();
  });
}

/** Once a payload is answered and nothing behind it has retained it, its bytes can be garbage-collected. */
export async function keepsNothingPassedOn(subject: Subject, signal: Signal): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await feed(harness, signal);
    const { originals } = harness.next("receiver", signal);
    const isFree = await collectGarbage(() =>
      originals.every((bytes) => bytes.deref() === undefined),
    );
    if (!isFree) {
      throw new Error("It keeps the bytes of a payload that it has passed on.");
    }
    await harness.shutdown();
  });
}

/** A next consumer that throws or rejects costs one payload. Later payloads pass. */
export async function goesOnAfterBrokenNext(subject: Subject, signal: Signal): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    const next = harness.next("receiver", signal);
    for (const behavior of ["throws", "rejects"] as const) {
      next.behavior = behavior;
      await feed(harness, signal);
    }
    next.behavior = "accepts";
    await feed(harness, signal);
    await harness.shutdown();
  });
}

/** A shutdown ends at its deadline although the next consumer never answers. */
export async function heedsDeadlineAsReceiver(subject: Subject, signal: Signal): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    harness.hangEverything();
    await feed(harness, signal);
    await shutDownAtDeadline(harness);
    await mustHaveLeftNothing(harness);
  });
}

/** After its shutdown it passes nothing on, even if senders go on. */
export async function passesNothingOnAfterShutdown(
  subject: Subject,
  signal: Signal,
): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await feed(harness, signal);
    await harness.shutdown();
    const { taken } = harness.next("receiver", signal);
    const before = taken.length;
    // The feed may fail: a refused connection is a good answer.
    await harness.within(
      "An answer to the sender",
      feedOf(harness, signal)().catch(() => {}),
    );
    await harness.advance(60_000);
    if (taken.length > before) {
      throw new Error("It passed something on after its shutdown.");
    }
  });
}

/** If it is a source of metrics, it answers before and after its shutdown, because exporters stop after it. */
export async function showsItsMetrics(subject: Subject): Promise<void> {
  await withHarness(subject, async (harness) => {
    const metrics = harness.component.receiver?.metrics;
    if (metrics === undefined) {
      return;
    }
    const collect = async (when: string) => {
      const collecting = harness.run(async () => metrics.collect());
      const { errors } = await harness.within(`Collecting its metrics ${when}`, collecting);
      if (errors.length > 0) {
        throw new Error(`Its metrics cannot be collected ${when}: ${String(errors[0])}`);
      }
    };
    await harness.start();
    await collect("while it runs");
    await harness.shutdown();
    await collect("after its shutdown");
  });
}

/** Makes the component pass on a payload. Waits for the payload, not for the answer. */
async function feed(harness: Harness, signal: Signal): Promise<void> {
  const { taken } = harness.next("receiver", signal);
  const before = taken.length;
  feedOf(harness, signal)().catch(() => {}); // It fails if the next consumer does.
  await harness.until(`Passing on ${signal}`, () => taken.length > before);
}

function feedOf(harness: Harness, signal: Signal): () => Promise<unknown> {
  const { factory, setup } = harness.subject;
  const feedSignal = setup.feed?.[signal];
  if (feedSignal === undefined) {
    throw new Error(
      `The contract suite cannot make the ${factory.kind} ${factory.type} pass on ${signal}. Add \`feed.${signal}\` to its entry in test/contract/component-setups.ts.`,
    );
  }
  return () => feedSignal(harness);
}
