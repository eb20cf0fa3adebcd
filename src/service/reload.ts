import type { Clock } from "../component/clock.ts";
import { exceptionFields } from "../component/exception-fields.ts";
import type { Logger } from "../component/settings.ts";
import type { Graph } from "./graph.ts";
import { nameOfRef } from "./instance-matching.ts";
import type { LiveInstance } from "./instances.ts";
import { shutdownAll } from "./lifecycle.ts";
import type { Outlets } from "./outlets.ts";

/**
 * Lets a graph whose new instances have started take the place of the one before, in one step of the event loop: each new instance
 * takes what its predecessor kept, data flows on the new ways, and new connections come to the new instances.
 */
export function activateGraph(
  next: Graph,
  {
    before,
    outlets,
    logger,
  }: { readonly before: Graph; readonly outlets: Outlets; readonly logger: Logger },
): void {
  const pairs = next.order.flatMap((heir) => {
    const old = before.byName.get(nameOfRef(heir));
    return old === undefined || old === heir ? [] : [{ old, heir }];
  });
  const safely = <T>(instance: LiveInstance, act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      logger.error(
        "What a component kept could not be handed over to the one that replaces it. This is a bug; please report it.",
        { component: nameOfRef(instance), ...exceptionFields(error) },
      );
      return undefined;
    }
  };
  // Sources first, because what they pass on at the end must still be taken; then sinks first, because they take it.
  const states = new Map(
    pairs
      .toReversed()
      .map(({ old, heir }) => [
        heir,
        heir.component.state === undefined
          ? undefined
          : safely(old, () => old.component.state?.handOver()),
      ]),
  );
  for (const { heir } of pairs) {
    safely(heir, () => heir.component.state?.takeOver(states.get(heir)));
  }
  next.connections.apply();
  for (const old of before.order.filter((instance) => !next.order.includes(instance))) {
    redirect(old, next, { before, outlets });
  }
  for (const { sockets } of next.order) {
    sockets.activate();
  }
}

/** What an instance that ends is still busy with goes on to the new pipelines. */
function redirect(
  old: LiveInstance,
  next: Graph,
  { before, outlets }: { readonly before: Graph; readonly outlets: Outlets },
): void {
  const heir = next.byName.get(nameOfRef(old));
  for (const [signal, outlet] of outlets.connectedTo(old)) {
    const ofHeir = heir === undefined ? undefined : outlets.connectedTo(heir).get(signal);
    const branches = before.plan.pipelines
      .filter((each) => each.signal === signal)
      .filter(({ receivers }) => receivers.some((each) => nameOfRef(each) === nameOfRef(old)))
      .map((each) => next.connections.entryFor(each, old) ?? before.connections.entryFor(each, old))
      .filter((entry) => entry !== undefined);
    outlet.exchange(ofHeir ?? next.connections.feed(old, signal, branches));
  }
  for (const [pipeline, { outlet }] of outlets.wrappedIn(old)) {
    const ofHeir = heir === undefined ? undefined : outlets.wrappedIn(heir).get(pipeline);
    if (ofHeir !== undefined) {
      outlet.exchange(ofHeir.outlet);
    }
  }
}

/**
 * Closes what instances whose start has failed have opened in a storage that goes on, so that the next reload can open it. What their
 * predecessors have open there stays open.
 */
export async function closeJournals(
  instances: readonly LiveInstance[],
  { before, after }: { readonly before: Graph; readonly after: Graph },
): Promise<void> {
  for (const instance of instances) {
    const storage = after.plan.storageOf(instance);
    const old = before.plan.storageOf(instance);
    const isShared =
      old !== undefined && storage !== undefined && nameOfRef(old) === nameOfRef(storage);
    if (storage !== undefined && !(isShared && before.byName.has(nameOfRef(instance)))) {
      await before.byName.get(nameOfRef(storage))?.component.storage?.closeJournal(instance);
    }
  }
}

/**
 * Ends the instances that the graph does not have any more: delivers what they have buffered until the shutdown timeout, closes the
 * journals of those whose storage goes on, and ends what they measured. Resolves to whether all of it ended in time.
 */
export async function retireInstances({
  before,
  after,
  limits,
}: {
  readonly before: Graph;
  readonly after: Graph;
  readonly limits: { readonly clock: Clock; readonly shutdownTimeoutMs: number };
}): Promise<boolean> {
  const leaving = before.order.filter((instance) => !after.order.includes(instance));
  for (const { stopping } of leaving) {
    stopping.abort();
  }
  const failed = await shutdownAll(leaving, limits);
  for (const instance of leaving) {
    instance.meter.end();
    const storage = before.plan.storageOf(instance);
    const user = after.byName.get(nameOfRef(instance));
    const next = user === undefined ? undefined : after.plan.storageOf(user);
    if (storage !== undefined && (next === undefined || nameOfRef(next) !== nameOfRef(storage))) {
      await after.byName.get(nameOfRef(storage))?.component.storage?.closeJournal(instance);
    }
  }
  return failed.length === 0;
}
