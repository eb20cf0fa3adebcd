import type { ConsumeResult } from "../../src/component/consumer.ts";
import type { BranchTracker, Payload, Signal } from "../../src/otlp/payload.ts";
import type { Subject } from "./component-setup.ts";
import { collectGarbage } from "./garbage.ts";
import { type Harness, withHarness } from "./harness.ts";
import { ordinaryPayload, samplePayloads } from "./payloads.ts";
import { mustHaveLeftNothing, shutDownAtDeadline } from "./shutdown.ts";

/** Where a pipeline pushes a signal into a component. */
export interface Place {
  readonly role: "processor" | "exporter";
  readonly signal: Signal;
}

/** It answers `accepted` while everything behind it does, and a processor passes payloads on. */
export async function accepts(subject: Subject, { role, signal }: Place): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    for (const payload of samplePayloads(signal)) {
      const { status } = await answerOf(harness, role, payload);
      if (status !== "accepted") {
        throw new Error(`Everything behind it works, but it answered ${status}.`);
      }
    }
    if (role === "processor" && harness.next("processor", signal).taken.length === 0) {
      throw new Error("It accepted the payloads, but passed nothing on.");
    }
    await harness.shutdown();
  });
}

/** The bytes of a payload never change, neither during `consume` nor later. */
export async function changesNoPayload(subject: Subject, { role, signal }: Place): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    const payloads = samplePayloads(signal);
    const before = payloads.map(({ bytes }) => bytes.slice());
    for (const payload of payloads) {
      await answerOf(harness, role, payload);
    }
    await harness.advance(60_000);
    await harness.shutdown();
    for (const [index, { bytes }] of payloads.entries()) {
      if (Buffer.compare(bytes, before[index]!) !== 0) {
        throw new Error("It changed the bytes of a payload.");
      }
    }
  });
}

/**
 * A component that keeps a payload after it has answered retains it (`Payload.delivery`), and its bytes can be garbage-collected
 * once it has released it.
 */
export async function keepsNoPayload(subject: Subject, { role, signal }: Place): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    const kept: { readonly buffer: WeakRef<ArrayBufferLike>; readonly keepers: KeeperCount }[] = [];
    // A function of its own, so that no variable here refers to a payload.
    const consumeAll = async () => {
      for (const payload of samplePayloads(signal)) {
        const keepers = new KeeperCount();
        kept.push({ buffer: new WeakRef(payload.bytes.buffer), keepers });
        await answerOf(harness, role, { ...payload, delivery: keepers });
      }
    };
    await consumeAll();
    const isFree = ({ buffer }: (typeof kept)[number]) => buffer.deref() === undefined;
    if (
      !(await collectGarbage(() => kept.every((each) => each.keepers.count > 0 || isFree(each))))
    ) {
      throw new Error(
        "It keeps the bytes of a payload after it has answered, but did not retain it.",
      );
    }
    await harness.until("Releasing every payload", () =>
      kept.every(({ keepers }) => keepers.count <= 0),
    );
    if (!(await collectGarbage(() => kept.every(isFree)))) {
      throw new Error("It keeps the bytes of a payload that it has released.");
    }
    if (kept.some(({ keepers }) => keepers.count < 0)) {
      throw new Error("It released a payload more often than it retained it.");
    }
    await harness.shutdown();
  });
}

/** Counts the components that keep a payload. */
class KeeperCount implements BranchTracker {
  count = 0;
  readonly isSkipped = false;

  retain(): void {
    this.count += 1;
  }

  release(): void {
    this.count -= 1;
  }

  branch(): BranchTracker {
    return this;
  }
}

/** A shutdown ends at its deadline although nothing behind the component answers. */
export async function heedsDeadline(subject: Subject, { role, signal }: Place): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    harness.hangEverything();
    let isAnswered = false;
    const answer = harness.consume(role, ordinaryPayload(signal)).finally(() => {
      isAnswered = true;
    });
    answer.catch(() => {});
    const isReached = () => countPassedOn(harness, { role, signal }) > 0;
    await harness.until(
      "Passing on",
      () => isAnswered || isReached() || harness.storage.isWaitedFor,
    );
    await shutDownAtDeadline(harness);
    if (role === "exporter") {
      await harness.within("The answer to the payload in flight", answer);
    }
    await mustHaveLeftNothing(harness);
  });
}

/** After its shutdown it answers `retryable` and passes nothing on. */
export async function takesNothingAfterShutdown(
  subject: Subject,
  { role, signal }: Place,
): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await answerOf(harness, role, ordinaryPayload(signal));
    await harness.shutdown();
    const passedOn = countPassedOn(harness, { role, signal });
    for (const payload of samplePayloads(signal)) {
      const { status } = await answerOf(harness, role, payload);
      if (status !== "retryable") {
        throw new Error(`It has shut down, but answered ${status} instead of retryable.`);
      }
    }
    await harness.advance(60_000);
    if (countPassedOn(harness, { role, signal }) > passedOn) {
      throw new Error("It passed something on after its shutdown.");
    }
  });
}

/** A next consumer that throws or rejects costs one payload. Later payloads pass. */
export async function survivesBrokenNext(subject: Subject, place: Place): Promise<void> {
  const { role, signal } = place;
  await withHarness(subject, async (harness) => {
    await harness.start();
    const next = harness.next("processor", signal);
    for (const behavior of ["throws", "rejects"] as const) {
      next.behavior = behavior;
      // It may reject, too: the edge of the pipeline catches that.
      const answer = returnedBy(harness, role, ordinaryPayload(signal));
      await harness.within("The answer", Promise.allSettled([answer]));
      next.behavior = "accepts";
      const { status } = await answerOf(harness, role, ordinaryPayload(signal));
      if (status !== "accepted") {
        throw new Error(`After the next consumer failed once, it answered ${status}.`);
      }
    }
    await harness.shutdown();
  });
}

/** If the backend is gone, it answers and does not reject. */
export async function survivesLostBackend(subject: Subject, place: Place): Promise<void> {
  await withHarness(subject, async (harness) => {
    await harness.start();
    await harness.closeBackends();
    await answerOf(harness, place.role, ordinaryPayload(place.signal));
    // It may reject, because it loses what it could not send.
    await harness.shutdown().catch(() => {});
  });
}

/** Consumes a payload. Rejects unless the answer is a valid `ConsumeResult`. */
async function answerOf(
  harness: Harness,
  role: Place["role"],
  payload: Payload,
): Promise<ConsumeResult> {
  const result = await harness.within("The answer", returnedBy(harness, role, payload));
  const isWhole = result.status === "accepted" || (result.message?.length ?? 0) > 0;
  if (!["accepted", "retryable", "permanent"].includes(result.status) || !isWhole) {
    throw new Error(`It answered ${JSON.stringify(result)}, which is no ConsumeResult.`);
  }
  return result;
}

/** Consumes a payload. Turns a throw into an error of its own, because `consume` must return a promise. */
function returnedBy(
  harness: Harness,
  role: Place["role"],
  payload: Payload,
): Promise<ConsumeResult> {
  try {
    return harness.consume(role, payload);
  } catch (error) {
    throw new Error(`Its consume threw instead of rejecting: ${String(error)}`, { cause: error });
  }
}

/** How many payloads it has passed on so far. */
function countPassedOn(harness: Harness, { role, signal }: Place): number {
  return role === "processor" ? harness.next(role, signal).taken.length : harness.backendRequests;
}
