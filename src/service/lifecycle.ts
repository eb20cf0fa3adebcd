import { setMaxListeners } from "node:events";
import type { Clock } from "../component/clock.ts";
import { type Component, ReportedFailure } from "../component/component.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import type { Logger } from "../component/settings.ts";
import { exceptionFields } from "./exception-fields.ts";
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

/**
 * Starts in the order given. When one fails, those that had started are shut down again, and the
 * thrown `Error` names the failed one and the reason.
 */
export async function startAll(
  instances: readonly Instance[],
  limits: { readonly clock: Clock; readonly shutdownTimeoutMs: number },
): Promise<void> {
  for (const [index, instance] of instances.entries()) {
    try {
      await instance.component.start();
      instance.status?.enter("running");
    } catch (error) {
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
  limits: { readonly clock: Clock; readonly shutdownTimeoutMs: number },
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
