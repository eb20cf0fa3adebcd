import { setMaxListeners } from "node:events";
import type { Clock } from "../component/clock.ts";
import { type Component, ReportedFailure } from "../component/component.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import { beforeDeadline } from "../component/deadline.ts";
import { exceptionFields } from "../component/exception-fields.ts";
import type { Logger } from "../component/settings.ts";
import type { StatusEntry } from "./status-board.ts";

/** A component that was built from the config. */
export interface Instance {
  readonly id: string;
  readonly kind: ComponentKind;
  /** Its name in messages; default e.g. `receiver "otlp"`. */
  readonly title?: string;
  readonly component: Component;
  readonly logger: Logger;
  /** Where the status of the component is kept; absent for an instance that is not a component. */
  readonly status?: StatusEntry;
}

/** How long to wait, after the deadline, for a component that ignores it. */
const graceMs = 500;

/** A start was not finished, because the service is to stop. */
export class StartAborted extends Error {
  /** Whether everything that had started was shut down in time. */
  readonly isClean: boolean;

  constructor(isClean: boolean) {
    super("The start was ended by a request to stop.");
    this.isClean = isClean;
  }
}

/**
 * Starts in the order given. When one fails, those that had started are shut down again, and the
 * thrown `Error` names the failed one and the reason. When `aborted` aborts, the same happens at once, also if one that is starting
 * hangs, and it throws `StartAborted`.
 */
export async function startAll(
  instances: readonly Instance[],
  limits: {
    readonly clock: Clock;
    readonly shutdownTimeoutMs: number;
    readonly aborted?: AbortSignal;
  },
): Promise<void> {
  const { aborted = new AbortController().signal } = limits;
  for (const [index, instance] of instances.entries()) {
    try {
      const isLate =
        aborted.aborted || (await beforeDeadline(aborted, instance.component.start())) === "late";
      if (isLate) {
        const [failed] = await Promise.all([
          shutdownAll(instances.slice(0, index), limits),
          abandon(instance, limits.clock),
        ]);
        throw new StartAborted(failed.length === 0);
      }
      instance.status?.enter("running");
    } catch (error) {
      if (error instanceof StartAborted) {
        throw error;
      }
      await shutdownAll(instances.slice(0, index + 1), limits);
      const why = error instanceof Error ? error.message : String(error);
      const title = instance.title ?? `${instance.kind} "${instance.id}"`;
      throw new Error(`Cannot start ${title}: ${why}`, { cause: error });
    }
  }
}

/**
 * Shuts down all instances in the reverse of the order given, even if some fail. They share one deadline, so exporters, which do not
 * depend on each other, are shut down together: one with a dead backend leaves the others their time. Resolves to the instances that
 * failed or exceeded the deadline, and logs them.
 */
export async function shutdownAll(
  instances: readonly Instance[],
  limits: {
    readonly clock: Clock;
    readonly shutdownTimeoutMs: number;
  },
): Promise<readonly Instance[]> {
  const { clock, shutdownTimeoutMs } = limits;
  const deadline = new AbortController();
  const cancel = clock.after(shutdownTimeoutMs, () => deadline.abort());
  const failed: Instance[] = [];
  setMaxListeners(0, deadline.signal);
  for (const stage of stagesOf(instances.toReversed())) {
    await Promise.all(
      stage.map(async (instance) => {
        const outcome = await shutdownOne(instance, deadline.signal, clock);
        if (outcome !== "done") {
          failed.push(instance);
        }
      }),
    );
  }
  cancel();
  return failed;
}

/** Ends a component in the middle of its start. It has no data yet, so nothing is lost if it does not obey. */
async function abandon({ component, status }: Instance, clock: Clock): Promise<void> {
  const deadline = AbortSignal.abort();
  const { late, cancel } = graceAfter(deadline, clock);
  const end = async () => {
    await component.shutdown(deadline);
  };
  await Promise.race([end().catch(() => {}), late]);
  cancel();
  status?.enter("stopped");
}

/** Each instance is a stage of its own, but for exporters that follow each other. */
function stagesOf(instances: readonly Instance[]): readonly (readonly Instance[])[] {
  const stages: Instance[][] = [];
  for (const instance of instances) {
    const last = stages.at(-1);
    if (last !== undefined && instance.kind === "exporter" && last[0]?.kind === "exporter") {
      last.push(instance);
    } else {
      stages.push([instance]);
    }
  }
  return stages;
}

async function shutdownOne(
  { component, logger, status }: Instance,
  deadline: AbortSignal,
  clock: Clock,
): Promise<"done" | "failed" | "late"> {
  const end = async (): Promise<"done" | "failed"> => {
    try {
      await component.shutdown(deadline);
      return "done";
    } catch (error) {
      if (!(error instanceof ReportedFailure)) {
        logger.error(
          "A component failed to shut down. Its buffered data may be lost.",
          exceptionFields(error),
        );
      }
      return "failed";
    }
  };
  status?.enter("stopping");
  const { late, cancel } = graceAfter(deadline, clock);
  const outcome = await Promise.race([end(), late]);
  cancel();
  status?.enter("stopped");
  if (outcome === "late") {
    logger.error(
      "A component did not shut down before the deadline. Its buffered data may be lost; raise service.shutdown_timeout if this repeats.",
    );
  }
  return outcome;
}

/** Ends some time after the deadline: the last resort against a component that ignores it. */
function graceAfter(deadline: AbortSignal, clock: Clock) {
  let cancelTimer = () => {};
  let onAbort = () => {};
  const late = new Promise<"late">((resolve) => {
    onAbort = () => {
      cancelTimer = clock.after(graceMs, () => resolve("late"));
    };
    if (deadline.aborted) {
      onAbort();
    } else {
      deadline.addEventListener("abort", onAbort, { once: true });
    }
  });
  const cancel = () => {
    deadline.removeEventListener("abort", onAbort);
    cancelTimer();
  };
  return { late, cancel };
}
