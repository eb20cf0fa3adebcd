import type { Clock } from "../component/clock.ts";
import type { ComponentKind } from "../component/component-kind.ts";
import type { AnyFactory } from "../component/factory.ts";
import type { ProcessMemory } from "../component/memory.ts";
import type { ServerEndpoint } from "../config/server-endpoint.ts";
import type { Signal } from "../otlp/payload.ts";
import type { ServerSection } from "../serving/server-options.ts";
import type { RootLogger } from "./logger.ts";

/** A component of the config, by section and id. */
export interface ComponentRef {
  readonly kind: ComponentKind;
  readonly id: string;
}

/** A checked config, as the service needs it. */
export interface ServicePlan {
  /** Extensions in the order to start them. */
  readonly extensions: readonly ComponentRef[];
  readonly pipelines: readonly {
    readonly id: string;
    readonly signal: Signal;
    readonly receivers: readonly ComponentRef[];
    readonly processors: readonly ComponentRef[];
    readonly exporters: readonly ComponentRef[];
  }[];
  /** The user's section for a component, after expansion. */
  readonly sectionOf: (component: ComponentRef) => unknown;
  /** The extension that a component stores in, if any: one of `extensions`. */
  readonly storageOf: (component: ComponentRef) => ComponentRef | undefined;
  /** Where the collector's own metrics are served; absent: nowhere. */
  readonly telemetryEndpoint?: ServerEndpoint;
  /** How they are served; by default over plain TCP to everybody who can connect. */
  readonly telemetryServer?: Omit<ServerSection, "endpoint">;
  /** Attributes of the resource of these metrics; null leaves a default out. */
  readonly telemetryResource?: Readonly<Record<string, string | number | boolean | null>>;
  readonly shutdownTimeoutMs: number;
  /** The section `service` with defaults filled in. What differs in it at a reload is named. */
  readonly service?: object;
}

export interface ServiceOptions {
  readonly plan: ServicePlan;
  readonly factories: readonly AnyFactory[];
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly memory: ProcessMemory;
  readonly logger: RootLogger;
}
