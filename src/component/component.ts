import type { CollectionResult } from "@opentelemetry/sdk-metrics";
import type { Signal, Transport } from "../otlp/payload.ts";
import type { AuthenticatorRole } from "./authenticator.ts";
import type { Consumer } from "./consumer.ts";
import type { StorageRole } from "./storage.ts";

/** Metrics that are collected on request. `errors` is not empty when a part could not be collected. */
export interface MetricsSource {
  collect(): Promise<CollectionResult>;
}

/**
 * The role of a component named in a pipeline's `receivers`. `connect` is called before `start`,
 * once per pipeline signal, with the fan-out of every pipeline of that signal that names it.
 */
export interface ReceiverRole {
  connect(signal: Signal, next: Consumer): void;
  /** How its payloads can reach it, so that their counters begin at 0; by default over HTTP and gRPC. */
  readonly transports?: readonly Transport[];
  /** Set by components whose metrics can be collected; exporters that serve scrapes collect them. */
  readonly metrics?: MetricsSource;
}

/** The role of a component named in a pipeline's `processors`: a function from the next consumer to a consumer. */
export interface ProcessorRole {
  wrap(signal: Signal, next: Consumer): Consumer;
}

/**
 * The role of a component named in a pipeline's `exporters`. `consumer` takes what a pipeline pushes. One that
 * is scraped has `attach` too, called before `start` once per source; it gets no payloads of the receiver behind a source.
 */
export interface ExporterRole {
  consumer?(signal: Signal): Consumer;
  /** Set by exporters that keep payloads in a queue and therefore count their items themselves, in `Settings.exportCounts`. */
  readonly countsItems?: true;
  /** Set by exporters that only show data. What such an exporter accepts is not delivered: if no other one takes it, its sender retries. */
  readonly keepsNothing?: true;
  attach?(source: MetricsSource): void;
}

/**
 * The role of a component that keeps something that must survive when a reload replaces it by an instance of the same id with another
 * section: what it has queued, its state, its journal. Every component with a storage has it.
 *
 * The successor was created and started with `Settings.replaces`. Then both calls are made in one step of the event loop.
 */
export interface StateRole {
  /** Gives away what it keeps. From now on it keeps nothing new and does nothing by itself; its shutdown follows. Called at most once. */
  handOver(): unknown;
  /** Takes what the predecessor kept, and goes on with it. Ignores what another type of component handed over. */
  takeOver(state: unknown): void;
}

/**
 * One configured instance, shared by every pipeline that names its id.
 *
 * `start` opens sockets and timers; it rejects with an `Error` whose message is for an operator.
 * `shutdown` stops accepting data, delivers buffered data and releases everything. It is safe before `start`,
 * safe to call twice, and ends when `deadline` aborts. Afterwards its consumers answer `retryable` and pass nothing on.
 */
export interface Component {
  start(): Promise<void>;
  shutdown(deadline: AbortSignal): Promise<void>;
  readonly receiver?: ReceiverRole;
  readonly processor?: ProcessorRole;
  readonly exporter?: ExporterRole;
  readonly storage?: StorageRole;
  readonly authenticator?: AuthenticatorRole;
  readonly state?: StateRole;
}

/** A failure that the component has logged itself, so that it is not logged again. */
export class ReportedFailure extends Error {}
