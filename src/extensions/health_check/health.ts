import type { CurrentStatus, ServiceStatus, Status } from "../../component/status.ts";
import type { Config } from "./config.ts";

/** The reported health of one component, or of all together; the names are the Collector's. */
export interface Health {
  readonly start_time?: string;
  readonly healthy: boolean;
  readonly status: string;
  readonly error?: string;
  readonly status_time: string;
  /** By kind and id, e.g. `extension:file_storage`. */
  readonly components?: Readonly<Record<string, Health>>;
}

/** The answer to a probe: 200 when the service is healthy, else 503. */
export function healthOf(
  service: ServiceStatus,
  rules: Config["component_health"],
): { readonly statusCode: 200 | 503; readonly health: Health } {
  const own = partOf(service, rules);
  // One that is not the worst may be past its time to recover while the worst is not counted.
  const healthy =
    own.healthy &&
    (!isRunning(service.status) || service.components.every((each) => isHealthy(each, rules)));
  const health = {
    start_time: isoTime(service.startedUnixMs),
    ...own,
    healthy,
    ...(rules === undefined
      ? {}
      : {
          components: Object.fromEntries(
            service.components.map((each) => [`${each.kind}:${each.id}`, partOf(each, rules)]),
          ),
        }),
  };
  return { statusCode: healthy ? 200 : 503, health };
}

function partOf(current: CurrentStatus, rules: Config["component_health"]): Health {
  return {
    healthy: isHealthy(current, rules),
    status: words[current.status],
    ...(current.message === undefined ? {} : { error: current.message }),
    status_time: isoTime(current.sinceUnixMs),
  };
}

function isHealthy({ status, ageMs }: CurrentStatus, rules: Config["component_health"]): boolean {
  switch (status) {
    case "ok":
      return true;
    case "recoverable_error":
      return rules?.include_recoverable_errors !== true || ageMs < rules.recovery_duration;
    case "permanent_error":
      return rules?.include_permanent_errors === false;
    case "starting":
    case "stopping":
    case "stopped":
      return false;
    default: {
      const never: never = status;
      return never;
    }
  }
}

function isRunning(status: Status): boolean {
  return status !== "starting" && status !== "stopping" && status !== "stopped";
}

const words = {
  starting: "StatusStarting",
  ok: "StatusOK",
  recoverable_error: "StatusRecoverableError",
  permanent_error: "StatusPermanentError",
  stopping: "StatusStopping",
  stopped: "StatusStopped",
} as const satisfies Record<Status, string>;

function isoTime(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
