import { setMaxListeners } from "node:events";
import type { AuthenticatorRole } from "../component/authenticator.ts";
import type { Settings } from "../component/settings.ts";
import type { ListeningSockets, SocketOwner } from "../net/listening-sockets.ts";
import type { ServerSection } from "../serving/server-options.ts";
import { authenticatorNamed } from "./authenticator-names.ts";
import { exportCountsOf } from "./edges.ts";
import type { FlowCounts } from "./flow-counts.ts";
import { nameOfRef } from "./instance-matching.ts";
import type { Instance } from "./lifecycle.ts";
import { factoryOf } from "./service-factories.ts";
import type { ComponentRef, ServiceOptions, ServicePlan } from "./service-plan.ts";
import type { InstanceMeter, SharedMeters } from "./shared-meters.ts";
import type { StatusBoard, StatusRecord } from "./status-board.ts";
import type { Telemetry } from "./telemetry.ts";

/** An instance with what the service has for it. */
export interface LiveInstance extends Instance {
  /** Absent for what is not a component of the config. */
  readonly status?: StatusRecord;
  readonly sockets: SocketOwner;
  readonly meter: InstanceMeter;
  /** Aborts its `Settings.stopping`. */
  readonly stopping: AbortController;
}

/** What all instances share, for the life of the service. */
export interface Surroundings {
  readonly options: ServiceOptions;
  readonly telemetry: Telemetry;
  readonly meters: SharedMeters;
  readonly counts: FlowCounts;
  readonly sockets: ListeningSockets;
  readonly statuses: StatusBoard;
}

/** The id of the page of the collector's own metrics, which is replaced as a component is. */
export const telemetryRef: ComponentRef = { kind: "extension", id: "service.telemetry.metrics" };

/** How the own metrics are served if the plan does not say it. */
const openServer: Omit<ServerSection, "endpoint"> = { transport: "tcp", allowed_hosts: [] };

/** What a new instance must know of the others. */
export interface InstancePlace {
  readonly plan: ServicePlan;
  readonly instanceOf: (ref: ComponentRef) => LiveInstance;
  readonly replaces: Settings["replaces"] | undefined;
}

/** Builds an instance. Opens nothing. Throws an `Error` for an operator if it cannot be built. */
export function buildInstance(
  ref: ComponentRef,
  { plan, instanceOf, replaces }: InstancePlace,
  surroundings: Surroundings,
): LiveInstance {
  const { options, telemetry, meters, counts, statuses } = surroundings;
  const { kind, id } = ref;
  const sockets = surroundings.sockets.ownedBy(nameOfRef(ref));
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const meter = meters.meterFor(id);
  const authenticator = (name: string): AuthenticatorRole => {
    const used = authenticatorNamed(name);
    const isListed = plan.extensions.some((each) => each.id === used?.id);
    const role =
      used === undefined || !isListed ? undefined : instanceOf(used).component.authenticator;
    if (role === undefined) {
      throw new Error(`"${name}" is not an authenticator among the extensions of the service.`);
    }
    return role;
  };
  const { telemetryEndpoint, telemetryServer } = plan;
  if (ref === telemetryRef && telemetryEndpoint !== undefined) {
    return {
      ...ref,
      title: "the collector's own metrics (service.telemetry.metrics)",
      component: telemetry.page({
        section: { ...openServer, ...telemetryServer, endpoint: telemetryEndpoint },
        sockets,
        authenticator,
        env: options.env,
        meter: meter.meter,
      }),
      logger: options.logger,
      sockets,
      meter,
      stopping,
    };
  }
  const logger = options.logger.forComponent(ref);
  const status = statuses.record(ref);
  const storage = plan.storageOf(ref);
  const settings: Settings = {
    id,
    version: options.version,
    env: options.env,
    clock: options.clock,
    random: options.random,
    randomBytes: options.randomBytes,
    memory: options.memory,
    logger,
    meter: meter.meter,
    reportStatus: (reported) => status.report(reported),
    stopping: stopping.signal,
    sockets,
    serviceStatus: () => statuses.current(),
    exportCounts: (signal) => exportCountsOf(counts, { id, signal }),
    authenticator,
    ...(replaces === undefined ? {} : { replaces }),
    ...(storage === undefined
      ? {}
      : {
          storage: {
            async openJournal(owner) {
              const role = instanceOf(storage).component.storage;
              if (role === undefined) {
                throw new Error(`The ${storage.kind} "${storage.id}" is not a storage.`);
              }
              return role.openJournal({ kind, id }, owner);
            },
          },
        }),
  };
  const component = factoryOf(options.factories, ref).create(settings, plan.sectionOf(ref));
  return { kind, id, component, logger, status, sockets, meter, stopping };
}
