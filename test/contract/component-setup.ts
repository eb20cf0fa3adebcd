import type { ConsumeResult } from "../../src/component/consumer.ts";
import type { AnyFactory } from "../../src/component/factory.ts";
import type { Payload, Signal } from "../../src/otlp/payload.ts";

/** Resources of the harness that a section may name. */
export interface Environment {
  /** An empty folder for this component. */
  readonly folder: string;
  /** Base URL of a backend that speaks OTLP/HTTP. */
  readonly backendUrl: string;
  /** `host:port` of a backend that speaks OTLP/gRPC. */
  readonly grpcEndpoint: string;
}

/** A started component, seen from outside. */
export interface Running {
  /** The `host:port` it listens on. */
  readonly endpoint: string;
  /** The folder of its section. */
  readonly folder: string;
  /** Its section, with the options of the variant. */
  readonly section: Readonly<Record<string, unknown>>;
  /** Pushes a payload into it, as a pipeline does. */
  consume(place: "processor" | "exporter", payload: Payload): Promise<ConsumeResult>;
  /** Advances its clock and lets the consequences settle. */
  advance(ms: number): Promise<void>;
}

/** How to run a type of component in the suite. */
export interface ComponentSetup {
  /** The minimal valid section. Listeners use port 0 of 127.0.0.1. */
  readonly section: (environment: Environment) => Readonly<Record<string, unknown>>;
  /** Options under which the whole suite runs again, by the name of the variant. */
  readonly variants?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /**
   * Required for each signal of the receiver role: makes the component pass on a payload of that signal. Resolves when
   * the sender has its answer.
   */
  readonly feed?: Partial<Record<Signal, (running: Running) => Promise<unknown>>>;
  /** Required for scraped exporters: requests the page that the component serves. Resolves to the HTTP status. */
  readonly request?: (running: Running) => Promise<number>;
  /** Set if the component opens a listener. It must log the address in a field `endpoint`. */
  readonly listens?: true;
  /** Faults that are not fixed yet, by the title of the check. Such a check must fail; once it passes, remove the entry. */
  readonly knownFaults?: Readonly<Record<string, string>>;
}

/** A component with given options, for the checks to run against. */
export interface Subject {
  readonly factory: AnyFactory;
  readonly setup: ComponentSetup;
  /** Merged into the section of the setup. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Whether its settings include a storage. */
  readonly isStoring?: boolean;
  /** How long a check waits for anything, in real time. */
  readonly patienceMs: number;
}
