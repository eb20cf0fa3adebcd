import type { Meter } from "@opentelemetry/api";
import type { Clock } from "./clock.ts";
import type { ReportedStatus, ServiceStatus } from "./status.ts";
import type { Storage } from "./storage.ts";

/** Fields vary, messages are constant sentences. No raw ids of senders, ever. */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Unexpected, nothing lost. */
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** Data was lost or a human must act. */
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The environment that the program gives a component, as opposed to the user's config. */
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
  /** Says how the component does, whenever that changes; it counts as `ok` from its start on. Never throws. */
  readonly reportStatus: (status: ReportedStatus) => void;
  /** The status of the whole service, for components that report it. */
  readonly serviceStatus: () => ServiceStatus;
  /** Set when the component's config names a storage extension (`Factory.storageKey`). */
  readonly storage?: Storage;
}
