import { setMaxListeners } from "node:events";
import type { AuthenticatorRole } from "../component/authenticator.ts";
import type { Clock } from "../component/clock.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import { type AnyFactory, isOfType } from "../component/factory.ts";
import type { ProcessMemory } from "../component/memory.ts";
import type { Settings } from "../component/settings.ts";
import { ListeningSockets } from "../net/listening-sockets.ts";
import type { Signal } from "../otlp/payload.ts";
import { parseId } from "./config-id.ts";
import { createEdges, exportCountsOf } from "./edges.ts";
import { createFanOut } from "./fan-out.ts";
import { FlowCounts } from "./flow-counts.ts";
import { type Instance, shutdownAll, startAll } from "./lifecycle.ts";
import type { RootLogger } from "./logger.ts";
import { connectPipelines } from "./pipelines.ts";
import { StatusBoard } from "./status-board.ts";
import { createTelemetry } from "./telemetry.ts";
import { telemetryPushFactory } from "./telemetry-push-factory.ts";
import { telemetryResource } from "./telemetry-resource.ts";

/** A component of the config, by section and id. */
export interface ComponentRef {
  readonly kind: ComponentKind;
  readonly id: string;
}

/** A checked config, as the service needs it. */
export interface ServicePlan {
  /** Extensions in the order to start them. */
  readonly extensions: readonly ComponentRef[];
  readonly pipelines: readonly {
    readonly id: string;
    readonly signal: Signal;
    readonly receivers: readonly ComponentRef[];
    readonly processors: readonly ComponentRef[];
    readonly exporters: readonly ComponentRef[];
  }[];
  /** The user's section for a component, after expansion. */
  readonly sectionOf: (component: ComponentRef) => unknown;
  /** The extension that a component stores in, if any: one of `extensions`. */
  readonly storageOf: (component: ComponentRef) => ComponentRef | undefined;
  /** Where the collector's own metrics are served; absent: nowhere. */
  readonly telemetryEndpoint?: { readonly host: string; readonly port: number };
  /** Attributes of the resource of these metrics; null leaves a default out. */
  readonly telemetryResource?: Readonly<Record<string, string | number | boolean | null>>;
  readonly shutdownTimeoutMs: number;
}

export interface ServiceOptions {
  readonly plan: ServicePlan;
  readonly factories: readonly AnyFactory[];
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly memory: ProcessMemory;
  readonly logger: RootLogger;
}

/** The pipelines of a config. */
export interface Service {
  /**
   * Starts extensions, exporters, processors, receivers, in this order. If one fails, it rejects with an `Error` whose message
   * is for an operator, and nothing is left running.
   */
  start(): Promise<void>;
  /**
   * Stops receivers, delivers buffered data and releases everything. Resolves to whether all of it finished in time.
   * Safe to call twice, and while `start` is still running.
   */
  shutdown(): Promise<boolean>;
}

/**
 * Builds every component that the pipelines name, each once, and connects them. Opens nothing. Throws an
 * `Error` whose message is for an operator if the pipelines cannot work.
 */
export function createService(options: ServiceOptions): Service {
  const { plan, version, clock, logger } = options;
  const counts = new FlowCounts();
  const telemetry = createTelemetry({
    version,
    clock,
    counts,
    logger,
    resource: telemetryResource({
      version,
      randomBytes: options.randomBytes,
      configured: plan.telemetryResource ?? {},
    }),
    ...(plan.telemetryEndpoint === undefined ? {} : { endpoint: plan.telemetryEndpoint }),
  });
  const factories = [...options.factories, telemetryPushFactory(telemetry, options.factories)];
  const sockets = new ListeningSockets();
  const statuses = new StatusBoard(clock);
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each exporter
  const instances = new Map<string, Instance>();
  const instanceOf = (ref: ComponentRef): Instance => {
    const key = `${ref.kind} ${ref.id}`;
    const instance = instances.get(key) ?? build(ref);
    instances.set(key, instance);
    return instance;
  };
  const build = ({ kind, id }: ComponentRef): Instance => {
    const ownSockets = sockets.ownedBy(`${kind} ${id}`);
    ownSockets.activate();
    const componentLogger = logger.forComponent({ kind, id });
    const status = statuses.add({ kind, id });
    const component = factoryOf(factories, { kind, id }).create(
      {
        id,
        version,
        env: options.env,
        clock,
        random: options.random,
        randomBytes: options.randomBytes,
        memory: options.memory,
        logger: componentLogger,
        meter: telemetry.meterFor({ id }),
        reportStatus: (reported) => status.report(reported),
        stopping: stopping.signal,
        sockets: ownSockets,
        serviceStatus: () => statuses.current(),
        exportCounts: (signal) => exportCountsOf(counts, { id, signal }),
        authenticator: (name) => authenticatorOf(name),
        ...storageFor({ kind, id }),
      },
      plan.sectionOf({ kind, id }),
    );
    return { kind, id, component, logger: componentLogger, status };
  };
  const authenticatorOf = (name: string): AuthenticatorRole => {
    const parsed = parseId(name);
    const ref = plan.extensions.find((each) => parsed.ok && each.id === parsed.value.id);
    const role = ref === undefined ? undefined : instanceOf(ref).component.authenticator;
    if (role === undefined) {
      throw new Error(`"${name}" is not an authenticator among the extensions of the service.`);
    }
    return role;
  };
  const storageFor = (ref: ComponentRef): Pick<Settings, "storage"> => {
    const storage = plan.storageOf(ref);
    if (storage === undefined) {
      return {};
    }
    return {
      storage: {
        async openJournal(owner) {
          const role = instanceOf(storage).component.storage;
          if (role === undefined) {
            throw new Error(`The ${storage.kind} "${storage.id}" is not a storage.`);
          }
          return role.openJournal(ref, owner);
        },
      },
    };
  };

  const pipelines = plan.pipelines.map((pipeline) => ({
    ...pipeline,
    receivers: pipeline.receivers.map(instanceOf),
    processors: pipeline.processors.map(instanceOf),
    exporters: pipeline.exporters.map(instanceOf),
  }));
  statuses.setPipelines(
    plan.pipelines.map(({ id, receivers, processors, exporters }) => ({
      id,
      components: [...receivers, ...processors, ...exporters],
    })),
  );
  const fanOut = createFanOut({ clock, logger });
  const order = [
    ...plan.extensions.map(instanceOf),
    ...connectPipelines(pipelines, {
      edges: createEdges(counts),
      fanOut,
    }),
  ];
  for (const [storage, users] of storageUsers(order, plan)) {
    instanceOf(storage).component.storage?.expect?.(users);
  }
  const limits = { clock, shutdownTimeoutMs: plan.shutdownTimeoutMs };
  // First to start and last to stop, so that the counters of the draining can still be scraped.
  const all = [telemetryInstance(telemetry, logger), ...order];
  let started: Promise<void> | undefined;
  let stopped: Promise<boolean> | undefined;

  return {
    start() {
      started ??= startAll(all, limits).then(() => statuses.enter("running"));
      return started;
    },
    shutdown() {
      stopped ??= (async () => {
        statuses.enter("stopping");
        stopping.abort();
        // A failed start has cleaned up, and its caller has the error.
        const isStarted = await (started ?? Promise.resolve()).then(
          () => true,
          () => false,
        );
        const failed = isStarted ? await shutdownAll(all, limits) : [];
        fanOut.flush();
        return failed.length === 0;
      })();
      return stopped;
    },
  };
}

/** Each storage extension with the components that store in it. */
function storageUsers(
  instances: readonly ComponentRef[],
  plan: ServicePlan,
): ReadonlyMap<ComponentRef, readonly ComponentRef[]> {
  const storages = plan.extensions.map((storage) => {
    const users = instances.filter((component) => {
      const used = plan.storageOf(component);
      return used !== undefined && used.kind === storage.kind && used.id === storage.id;
    });
    return [storage, users] as const;
  });
  return new Map(storages);
}

function telemetryInstance(
  telemetry: { start(): Promise<void>; shutdown(deadline: AbortSignal): Promise<void> },
  logger: RootLogger,
): Instance {
  return {
    kind: "extension",
    id: "service.telemetry.metrics",
    title: "the collector's own metrics (service.telemetry.metrics)",
    component: telemetry,
    logger,
  };
}

function factoryOf(factories: readonly AnyFactory[], { kind, id }: ComponentRef): AnyFactory {
  const factory = factories.find((each) => each.kind === kind && isOfType(each, id));
  if (factory === undefined) {
    throw new Error(`Cannot build ${kind} "${id}": there is no ${kind} of this type.`);
  }
  return factory;
}
