import type { Clock } from "../component/clock.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import type {
  ComponentStatus,
  CurrentStatus,
  ReportedStatus,
  ServiceStatus,
  Status,
} from "../component/status.ts";

/** The phase of a component's life. Only a `running` component can report a status. */
export type Phase = "starting" | "running" | "stopping" | "stopped";

/** The status of one component. The lifecycle sets its phase, and the component reports its own status. */
export interface StatusEntry {
  enter(phase: Phase): void;
  report(reported: ReportedStatus): void;
}

/** A component by section and id. */
export interface ComponentName {
  readonly kind: ComponentKind;
  readonly id: string;
}

/** The status of one component, whether the board shows it or not. */
export interface StatusRecord extends StatusEntry, ComponentName {
  current(): CurrentStatus;
}

/** The statuses of all components and pipelines of a service. */
export class StatusBoard {
  readonly #clock: Clock;
  readonly #startedUnixMs: number;
  readonly #service: TrackedStatus;
  #components: readonly StatusRecord[] = [];
  #pipelines: readonly { readonly id: string; readonly components: readonly ComponentName[] }[] =
    [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedUnixMs = clock.unixMs();
    this.#service = new TrackedStatus(clock);
  }

  /** A new component, which is about to start. */
  add(component: ComponentName): StatusEntry {
    const record = this.record(component);
    this.show([...this.#components, record]);
    return record;
  }

  /** The record of a component that is about to start, which `show` shows. */
  record({ kind, id }: ComponentName): StatusRecord {
    const tracked = new TrackedStatus(this.#clock);
    return {
      kind,
      id,
      enter: (phase) => tracked.enter(phase),
      report: (reported) => tracked.report(reported),
      current: () => tracked.current(),
    };
  }

  /** From now on these are the components. */
  show(records: readonly StatusRecord[]): void {
    this.#components = records;
  }

  /** Sets which components each pipeline has, in the order in which data passes them. */
  setPipelines(
    pipelines: readonly { readonly id: string; readonly components: readonly ComponentName[] }[],
  ): void {
    this.#pipelines = pipelines;
  }

  /** Sets the phase of the whole service. */
  enter(phase: Phase): void {
    this.#service.enter(phase);
  }

  current(): ServiceStatus {
    const components = this.#components.map((record) => ({
      kind: record.kind,
      id: record.id,
      ...record.current(),
    }));
    const own = this.#service.current();
    const pipelines = this.#pipelines.map(({ id, components: names }) => {
      const inPipeline = names.flatMap((name) =>
        components.filter((each) => each.kind === name.kind && each.id === name.id),
      );
      return { id, ...withoutName(ofPipeline(inPipeline) ?? own), components: inPipeline };
    });
    // All is well since the last of the components has been.
    const overall = own.status === "ok" ? (worst(components) ?? newest([own, ...components])) : own;
    return {
      startedUnixMs: this.#startedUnixMs,
      ...withoutName(overall),
      components,
      pipelines,
    };
  }
}

class TrackedStatus implements StatusEntry {
  readonly #clock: Clock;
  #phase: Phase = "starting";
  #reported: ReportedStatus = { status: "ok" };
  #sinceMs: number;
  #sinceUnixMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.nowMs();
    this.#sinceUnixMs = clock.unixMs();
  }

  enter(phase: Phase): void {
    this.#change(() => {
      this.#phase = phase;
    });
  }

  report(reported: ReportedStatus): void {
    if (this.#reported.status !== "permanent_error") {
      this.#change(
        () => {
          this.#reported = reported;
        },
        reported.status === "ok" ? 0 : (reported.lastedMs ?? 0),
      );
    }
  }

  current(): CurrentStatus {
    const status = this.#status();
    const isError = status === "recoverable_error" || status === "permanent_error";
    return {
      status,
      ...(isError && "message" in this.#reported ? { message: this.#reported.message } : {}),
      sinceUnixMs: this.#sinceUnixMs,
      ageMs: this.#clock.nowMs() - this.#sinceMs,
    };
  }

  #status(): Status {
    return this.#phase === "running" ? this.#reported.status : this.#phase;
  }

  #change(apply: () => void, lastedMs = 0): void {
    const before = this.#status();
    apply();
    if (this.#status() !== before) {
      this.#sinceMs = this.#clock.nowMs() - lastedMs;
      this.#sinceUnixMs = this.#clock.unixMs() - lastedMs;
    }
  }
}

function withoutName({ status, message, sinceUnixMs, ageMs }: CurrentStatus): CurrentStatus {
  return { status, ...(message === undefined ? {} : { message }), sinceUnixMs, ageMs };
}

/** The status of a pipeline by its components; `undefined` if it has none. */
function ofPipeline(components: readonly ComponentStatus[]): CurrentStatus | undefined {
  const starting = longest(components, ["starting"]);
  if (starting !== undefined) {
    return starting;
  }
  const stopping = longest(components, ["stopping", "stopped"]);
  if (stopping !== undefined) {
    const haveAllStopped = components.every(({ status }) => status === "stopped");
    return { ...stopping, status: haveAllStopped ? "stopped" : "stopping" };
  }
  // It has been well since the last of its components has.
  return worst(components) ?? newest(components);
}

function newest<C extends CurrentStatus>(statuses: readonly [C, ...C[]]): C;
function newest<C extends CurrentStatus>(statuses: readonly C[]): C | undefined;
function newest<C extends CurrentStatus>(statuses: readonly C[]): C | undefined {
  return statuses.toSorted((a, b) => a.ageMs - b.ageMs)[0];
}

/** The component with the worst error; of several, the one that has had it longest. */
function worst<C extends CurrentStatus>(components: readonly C[]): C | undefined {
  return longest(components, ["permanent_error"]) ?? longest(components, ["recoverable_error"]);
}

function longest<C extends CurrentStatus>(
  components: readonly C[],
  statuses: readonly Status[],
): C | undefined {
  return components
    .filter(({ status }) => statuses.includes(status))
    .toSorted((a, b) => b.ageMs - a.ageMs)[0];
}
