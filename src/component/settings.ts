import type { Meter } from "@opentelemetry/api";
import type { Clock } from "./clock.ts";
import type { ReportedStatus, ServiceStatus } from "./status.ts";
import type { Storage } from "./storage.ts";

/** Messages are constant sentences; fields vary. Neither ever contains a raw id of a sender. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Unexpected, nothing lost. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Data was lost or a human must act. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The environment that the program provides to a component, as opposed to the user's config. */
export interface Settings {
  /** `type` or `type/name`, as in the config. */
  readonly id: string;
  readonly version: string;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Cryptographic randomness: keys and span ids. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly logger: Logger;
  /** For the component's own telemetry (`otelcol_…` on `service.telemetry`), not for derived data. */
  readonly meter: Meter;
  /** Reports a change of the component's status, which is `ok` from its start. Never throws. */
  readonly reportStatus: (status: ReportedStatus) => void;
  /** The status of the whole service, for components that report it. */
  readonly serviceStatus: () => ServiceStatus;
  /** Set when the component's config names a storage extension (`Factory.storageKey`). */
  readonly storage?: Storage;
}
