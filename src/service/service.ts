import { isDeepStrictEqual } from "node:util";
import { ListeningSockets } from "../net/listening-sockets.ts";
import { changedSettings } from "./changed-settings.ts";
import { createFanOut } from "./fan-out.ts";
import { FlowCounts } from "./flow-counts.ts";
import { buildGraph, type Graph } from "./graph.ts";
import type { LiveInstance } from "./instances.ts";
import { StartAborted, shutdownAll, startAll } from "./lifecycle.ts";
import { Outlets } from "./outlets.ts";
import { activateGraph, closeJournals, retireInstances } from "./reload.ts";
import { ReloadCounts } from "./reload-counts.ts";
import type { ServiceOptions, ServicePlan } from "./service-plan.ts";
import { SharedMeters } from "./shared-meters.ts";
import { StatusBoard } from "./status-board.ts";
import { createTelemetry } from "./telemetry.ts";
import { telemetryPushFactory } from "./telemetry-push-factory.ts";
import { telemetryResource } from "./telemetry-resource.ts";

/** How a reload ended. Lists have components as `kind:id`. */
export type ReloadResult =
  | {
      readonly status: "succeeded";
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
      readonly kept: readonly string[];
      /** What has changed in the section `service`, e.g. `service.shutdown_timeout`. */
      readonly settings: readonly string[];
    }
  /** The plan is the one that runs. */
  | { readonly status: "unchanged" }
  /** Something new could not start. What ran before still runs. */
  | { readonly status: "failed"; readonly reason: string }
  /** The service stops. */
  | { readonly status: "stopped" };

/** The pipelines of a config. */
export interface Service {
  /**
   * Starts extensions, exporters, processors, receivers, in this order. If one fails, it rejects with an `Error` whose message
   * is for an operator, and nothing is left running. If `shutdown` is called meanwhile, it rejects with `StartAborted` at once.
   */
  start(): Promise<void>;
  /**
   * Exchanges what is different in `plan`; everything else keeps running. No data is lost and no port is closed meanwhile
   * (docs/ARCHITECTURE.md, "Reload"). Resolves when the new plan runs; what is not needed any more may still deliver what it has buffered,
   * and the next reload waits for it. To be called after `start`, and not again before it has resolved.
   */
  reload(plan: ServicePlan): Promise<ReloadResult>;
  /** Counts a reload for which there is no plan, because the config is wrong. */
  reloadFailed(): void;
  /**
   * Stops receivers, delivers buffered data and releases everything. Resolves to whether all of it finished in time.
   * Safe to call twice, and while `start` or `reload` is still running.
   */
  shutdown(): Promise<boolean>;
}

/**
 * Builds every component that the pipelines name, each once, and connects them. Opens nothing. Throws an
 * `Error` whose message is for an operator if the pipelines cannot work.
 */
export function createService(options: ServiceOptions): Service {
  const { clock, logger } = options;
  const counts = new FlowCounts();
  const telemetry = createTelemetry({
    version: options.version,
    clock,
    counts,
    logger,
    resource: telemetryResource({
      version: options.version,
      randomBytes: options.randomBytes,
      configured: options.plan.telemetryResource ?? {},
    }),
  });
  const factories = [...options.factories, telemetryPushFactory(telemetry, options.factories)];
  const fanOut = createFanOut({ clock, logger });
  const parts = {
    options: { ...options, factories },
    telemetry,
    meters: new SharedMeters((id) => telemetry.meterFor({ id })),
    counts,
    sockets: new ListeningSockets(),
    statuses: new StatusBoard(clock),
    fanOut,
    outlets: new Outlets(),
  };
  const { statuses } = parts;
  const reloads = new ReloadCounts(clock, telemetry.meterFor({ id: "service" }));
  /** Ends a start or a reload in progress. */
  const stopping = new AbortController();
  let current = buildGraph(options.plan, undefined, parts);
  statuses.show(statusesOf(current));
  statuses.setPipelines(pipelinesOf(current.plan));
  let started: Promise<void> | undefined;
  let stopped: Promise<boolean> | undefined;
  /** What a reload has replaced or removed, while it ends. Resolves to whether all of it ended in time. */
  let retiring: Promise<boolean> = Promise.resolve(true);
  let exchanging: Promise<unknown> = Promise.resolve();

  const limitsOf = ({ shutdownTimeoutMs }: ServicePlan) => ({
    clock,
    shutdownTimeoutMs,
    aborted: stopping.signal,
  });

  async function start(): Promise<void> {
    current.connections.apply();
    for (const { sockets } of current.order) {
      sockets.activate();
    }
    await startAll(current.order, limitsOf(current.plan));
    reloads.started();
    statuses.enter("running");
  }

  /** Starts what is new, and lets it take over. Resolves to the graph that ran before, or to why nothing has changed. */
  async function exchange(plan: ServicePlan): Promise<Graph | ReloadResult> {
    const before = current;
    let next: Graph;
    try {
      next = buildGraph(plan, before, parts);
    } catch (error) {
      return { status: "failed", reason: reasonOf(error) };
    }
    const { matching } = next;
    if (!isDeepStrictEqual(options.plan.telemetryResource, plan.telemetryResource)) {
      logger.warn("A change of service.telemetry.resource takes effect at the next start.");
    }
    if (matching.kept.size === next.order.length && isSamePlan(before, next)) {
      return { status: "unchanged" };
    }
    const leaving = before.order.filter((instance) => !next.order.includes(instance));
    const fresh = next.order.filter((instance) => !before.order.includes(instance));
    for (const { sockets } of leaving) {
      sockets.setReplaceable(true);
    }
    try {
      await startAll(fresh, limitsOf(plan));
    } catch (error) {
      next.connections.discard();
      await closeJournals(fresh, { before, after: next });
      for (const { meter } of fresh) {
        meter.end();
      }
      for (const { sockets } of leaving) {
        sockets.setReplaceable(false);
      }
      return error instanceof StartAborted
        ? { status: "stopped" }
        : { status: "failed", reason: reasonOf(error) };
    }
    activateGraph(next, { before, outlets: parts.outlets, logger });
    current = next;
    statuses.show(statusesOf(next));
    statuses.setPipelines(pipelinesOf(plan));
    retiring = retireInstances({ before, after: next, limits: limitsOf(plan) });
    return before;
  }

  return {
    start() {
      started ??= start();
      return started;
    },

    async reload(plan) {
      await retiring;
      if (stopping.signal.aborted) {
        return { status: "stopped" };
      }
      const exchanged = exchange(plan);
      exchanging = exchanged;
      const before = await exchanged;
      if ("status" in before) {
        if (before.status === "unchanged" || before.status === "failed") {
          reloads.count(before.status);
        }
        return before;
      }
      reloads.count("succeeded");
      const { matching } = current;
      return {
        status: "succeeded",
        added: [...matching.added],
        changed: [...matching.changed],
        removed: [...matching.removed],
        kept: [...matching.kept],
        settings: changedSettings(before.plan.service, current.plan.service),
      };
    },

    reloadFailed: () => reloads.count("failed"),

    shutdown() {
      stopped ??= (async () => {
        statuses.enter("stopping");
        stopping.abort();
        for (const instance of current.order) {
          instance.stopping.abort();
        }
        const wasStarted = await (started ?? Promise.resolve()).then(
          () => "yes" as const,
          // A failed start has cleaned up, and its caller has the error.
          (error: unknown) => (error instanceof StartAborted && !error.isClean ? "failed" : "no"),
        );
        // What it has started is shut down again, or has become part of what runs.
        await exchanging;
        for (const instance of current.order) {
          instance.stopping.abort();
        }
        const [failed, hasRetired] = await Promise.all([
          wasStarted === "yes" ? shutdownAll(current.order, limitsOf(current.plan)) : [],
          retiring,
        ]);
        fanOut.flush();
        await telemetry.shutdown();
        return failed.length === 0 && hasRetired && wasStarted !== "failed";
      })();
      return stopped;
    },
  };
}

function isSamePlan({ plan: a }: Graph, { plan: b }: Graph): boolean {
  return (
    changedSettings(a.service, b.service).length === 0 &&
    isDeepStrictEqual(a.pipelines, b.pipelines) &&
    isDeepStrictEqual(a.extensions, b.extensions) &&
    isDeepStrictEqual(a.telemetryEndpoint, b.telemetryEndpoint) &&
    isDeepStrictEqual(a.telemetryServer, b.telemetryServer) &&
    a.shutdownTimeoutMs === b.shutdownTimeoutMs
  );
}

function statusesOf({ order }: Graph) {
  return order.flatMap(({ status }: LiveInstance) => (status === undefined ? [] : [status]));
}

function pipelinesOf({ pipelines }: ServicePlan) {
  return pipelines.map(({ id, receivers, processors, exporters }) => ({
    id,
    components: [...receivers, ...processors, ...exporters],
  }));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
