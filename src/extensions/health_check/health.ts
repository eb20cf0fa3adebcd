import type {
  ComponentStatus,
  CurrentStatus,
  PipelineStatus,
  ServiceStatus,
  Status,
} from "../../component/status.ts";

/** Which errors make a page unhealthy. */
export interface ErrorRules {
  readonly countsPermanent: boolean;
  /** How long a component may be in a recoverable error; absent: forever. */
  readonly recoveryMs?: number;
}

/** The reported health of a component, a pipeline, or of all together; the names are the Collector's, but for the age and `errors`. */
export interface Health {
  readonly start_time?: string;
  readonly healthy: boolean;
  readonly status: string;
  readonly error?: string;
  /** Of the service: every component that is in error, the worst first, at most `mostErrors`; `error` is that of the first. */
  readonly errors?: Readonly<Record<string, string>>;
  /** How many more there are. */
  readonly errors_left_out?: number;
  readonly status_time: string;
  readonly status_age_seconds: number;
  /** A component is named by kind and id, e.g. `extension:file_storage`. */
  readonly components?: Readonly<Record<string, Health>>;
}

export interface HealthAnswer {
  /** 200 when all that was asked for is healthy. */
  readonly statusCode: 200 | 503;
  readonly health: Health;
}

/** So many errors are named on top; the tree has all of them. */
const mostErrors = 20;

/** The health of the service; with `isVerbose`, also that of each component. */
export function healthOf(
  service: ServiceStatus,
  rules: ErrorRules,
  { isVerbose }: { readonly isVerbose: boolean },
): HealthAnswer {
  const components = isVerbose ? { components: componentsOf(service.components, rules) } : {};
  return answer(service, { ...ofService(service, rules), ...components });
}

/** The health of the service, of each pipeline and of the components in it. */
export function healthTreeOf(service: ServiceStatus, rules: ErrorRules): HealthAnswer {
  const extensions = service.components.filter(({ kind }) => kind === "extension");
  const pipelines = service.pipelines.map((each) => [
    `pipeline:${each.id}`,
    ofPipeline(each, rules),
  ]);
  return answer(service, {
    ...ofService(service, rules),
    components: {
      extensions: {
        ...ofPart(worstOf(extensions) ?? service, rules),
        healthy: areHealthy(extensions, rules),
        components: componentsOf(extensions, rules),
      },
      ...Object.fromEntries(pipelines),
    },
  });
}

/** The health of one pipeline and of the components in it. */
export function pipelineHealthOf(
  service: ServiceStatus,
  pipeline: PipelineStatus,
  rules: ErrorRules,
): HealthAnswer {
  return answer(service, ofPipeline(pipeline, rules));
}

function answer({ startedUnixMs }: ServiceStatus, health: Health): HealthAnswer {
  return {
    statusCode: health.healthy ? 200 : 503,
    health: { start_time: isoTime(startedUnixMs), ...health },
  };
}

function ofService(service: ServiceStatus, rules: ErrorRules): Health {
  const own = ofPart(service, rules);
  // A component that is not the worst may be past its time to recover while the worst is not counted.
  const healthy =
    own.healthy && (!isRunning(service.status) || areHealthy(service.components, rules));
  return { ...own, ...errorsOf(service.components), healthy };
}

/** Nothing if no component is in error. */
function errorsOf(
  components: readonly ComponentStatus[],
): Pick<Health, "errors" | "errors_left_out"> {
  const inError = worstFirst(components).flatMap(({ kind, id, message }) =>
    message === undefined ? [] : [[`${kind}:${id}`, message] as const],
  );
  const left = inError.length - mostErrors;
  return {
    ...(inError.length === 0 ? {} : { errors: Object.fromEntries(inError.slice(0, mostErrors)) }),
    ...(left > 0 ? { errors_left_out: left } : {}),
  };
}

function ofPipeline(pipeline: PipelineStatus, rules: ErrorRules): Health {
  return {
    ...ofPart(pipeline, rules),
    healthy: areHealthy(pipeline.components, rules),
    components: componentsOf(pipeline.components, rules),
  };
}

function componentsOf(
  components: readonly ComponentStatus[],
  rules: ErrorRules,
): Readonly<Record<string, Health>> {
  return Object.fromEntries(
    components.map((each) => [`${each.kind}:${each.id}`, ofPart(each, rules)]),
  );
}

function ofPart(current: CurrentStatus, rules: ErrorRules): Health {
  return {
    healthy: isHealthy(current, rules),
    status: words[current.status],
    ...(current.message === undefined ? {} : { error: current.message }),
    status_time: isoTime(current.sinceUnixMs),
    status_age_seconds: Math.floor(current.ageMs / 1000),
  };
}

function areHealthy(all: readonly CurrentStatus[], rules: ErrorRules): boolean {
  return all.every((each) => isHealthy(each, rules));
}

function isHealthy({ status, ageMs }: CurrentStatus, rules: ErrorRules): boolean {
  switch (status) {
    case "ok":
      return true;
    case "recoverable_error":
      return rules.recoveryMs === undefined || ageMs < rules.recoveryMs;
    case "permanent_error":
      return !rules.countsPermanent;
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

/** From the worst; of components with the same one, the first is reported. */
const order = [
  "permanent_error",
  "recoverable_error",
  "starting",
  "stopping",
  "stopped",
  "ok",
] as const satisfies readonly Status[];

function worstOf(components: readonly ComponentStatus[]): ComponentStatus | undefined {
  return worstFirst(components)[0];
}

function worstFirst(components: readonly ComponentStatus[]): readonly ComponentStatus[] {
  return components.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
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
