import type { Meter } from "@opentelemetry/api";
import type { OwnedSockets } from "../net/listening-sockets.ts";
import type { Signal } from "../otlp/payload.ts";
import type { AuthenticatorRole } from "./authenticator.ts";
import type { Clock } from "./clock.ts";
import type { ProcessMemory } from "./memory.ts";
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
  /** The environment variables of the process, for those that programs share, such as HTTPS_PROXY. Options come from the config. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Cryptographic randomness: keys and span ids. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly memory: ProcessMemory;
  readonly logger: Logger;
  /** For the component's own telemetry (`otelcol_…` on `service.telemetry`), not for derived data. */
  readonly meter: Meter;
  /** Reports a change of the component's status, which is `ok` from its start. Never throws. */
  readonly reportStatus: (status: ReportedStatus) => void;
  /**
   * Aborts when the service begins to stop, or a reload has replaced or removed the component, which is before its shutdown. What keeps senders waiting answers them
   * then, because the receivers wait for these answers and all share one deadline.
   */
  readonly stopping: AbortSignal;
  /** Opens listening sockets (`ListenOptions.sockets`). At a reload they are taken over instead of closed. */
  readonly sockets: OwnedSockets;
  /** The status of the whole service, for components that report it. */
  readonly serviceStatus: () => ServiceStatus;
  /** Set when the component's config names a storage extension (`Factory.storageKey`). */
  readonly storage?: Storage;
  /** The authenticator that the component's config names (`Factory.authKeys`). Throws for any other name. */
  readonly authenticator: (id: string) => AuthenticatorRole;
  /** Set when a reload lets the component replace an instance of the same id. */
  readonly replaces?: Replaces;
  /** The counters of an exporter that counts its items itself (`ExporterRole.countsItems`). */
  readonly exportCounts: (signal: Signal) => ExportCounts;
}

/** How a component replaces another instance. */
export interface Replaces {
  /** Both use the same storage. The journal is still open then, and is part of what the predecessor hands over (`StateRole`). */
  readonly sharesStorage: boolean;
}

/** A counter of items as a plain number, which is published on `service.telemetry`. It never decreases. */
export interface ItemCount {
  value: number;
}

/**
 * What became of the items that an exporter was passed. At every moment, *consumed + restored = sent + sendFailed + enqueueFailed +
 * the items that it still keeps*.
 */
export interface ExportCounts {
  /** Passed to the exporter. */
  readonly consumed: ItemCount;
  /** Found in the persistent queue at the start. */
  readonly restored: ItemCount;
  readonly sent: ItemCount;
  /** Given up or refused by the destination for good; without a queue, also those that the sender was asked to send again. */
  readonly sendFailed: ItemCount;
  /** Refused by the exporter itself: its queue was full, or it was shutting down. */
  readonly enqueueFailed: ItemCount;
}
