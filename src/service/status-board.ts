import type { Clock } from "../component/clock.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import type { CurrentStatus, ReportedStatus, ServiceStatus, Status } from "../component/status.ts";

/** The phase of a component's life. Only a `running` component can report a status. */
export type Phase = "starting" | "running" | "stopping" | "stopped";

/** The status of one component. The lifecycle sets its phase, and the component reports its own status. */
export interface StatusEntry {
  enter(phase: Phase): void;
  report(reported: ReportedStatus): void;
}

/** The statuses of all components of a service. */
export class StatusBoard {
  readonly #clock: Clock;
  readonly #startedUnixMs: number;
  readonly #service: TrackedStatus;
  readonly #components: {
    readonly kind: ComponentKind;
    readonly id: string;
    readonly tracked: TrackedStatus;
  }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedUnixMs = clock.unixMs();
    this.#service = new TrackedStatus(clock);
  }

  /** A new component, which is about to start. */
  add(component: { readonly kind: ComponentKind; readonly id: string }): StatusEntry {
    const tracked = new TrackedStatus(this.#clock);
    this.#components.push({ ...component, tracked });
    return tracked;
  }

  /** Sets the phase of the whole service. */
  enter(phase: Phase): void {
    this.#service.enter(phase);
  }

  current(): ServiceStatus {
    const components = this.#components.map(({ kind, id, tracked }) => ({
      kind,
      id,
      ...tracked.current(),
    }));
    const own = this.#service.current();
    const overall = own.status === "ok" ? (worst(components) ?? own) : own;
    const { status, message, sinceUnixMs, ageMs } = overall;
    return {
      startedUnixMs: this.#startedUnixMs,
      status,
      ...(message === undefined ? {} : { message }),
      sinceUnixMs,
      ageMs,
      components,
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
      this.#change(() => {
        this.#reported = reported;
      });
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

  #change(apply: () => void): void {
    const before = this.#status();
    apply();
    if (this.#status() !== before) {
      this.#sinceMs = this.#clock.nowMs();
      this.#sinceUnixMs = this.#clock.unixMs();
    }
  }
}

/** The component with the worst status; of several, the one that has had it longest. */
function worst(components: readonly CurrentStatus[]): CurrentStatus | undefined {
  const longest = (status: Status) =>
    components
      .filter((component) => component.status === status)
      .toSorted((a, b) => b.ageMs - a.ageMs)[0];
  return longest("permanent_error") ?? longest("recoverable_error");
}
