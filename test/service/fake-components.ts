import type { MetricsSource } from "../../src/component/component.ts";
import type { ComponentKind } from "../../src/component/component-kind.ts";
import { accepted, type ConsumeResult, type Consumer } from "../../src/component/consumer.ts";
import type { Logger } from "../../src/component/settings.ts";
import type { Payload, Signal } from "../../src/otlp/payload.ts";
import type { Instance } from "../../src/service/lifecycle.ts";

/** What fakes did, in order, e.g. `start exporter out`. */
export type Journal = string[];

/** A logger that remembers. */
export function recordingLogger(): Logger & { readonly lines: unknown[][] } {
  const lines: unknown[][] = [];
  const at =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push([level, message, fields]);
    };
  return { lines, debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

export interface FakeOptions {
  readonly startError?: string;
  readonly shutdown?: (deadline: AbortSignal) => Promise<void>;
}

export interface FakeInstance extends Instance {
  readonly logger: ReturnType<typeof recordingLogger>;
  /** What it was connected to as a receiver. */
  readonly next: Map<Signal, Consumer>;
  /** What reached it as an exporter, or passed it as a processor. */
  readonly seen: Payload[];
  /** How often each method that builds was called. */
  readonly calls: string[];
  readonly attached: MetricsSource[];
  answer: (payload: Payload) => Promise<ConsumeResult>;
}

/** A component with the roles its kind suggests, a processor also with a receiver's; `isScraped` ones are attached too. */
export function fakeInstance(
  kind: ComponentKind,
  id: string,
  journal: Journal,
  options: FakeOptions & { readonly isScraped?: boolean; readonly metrics?: MetricsSource } = {},
): FakeInstance {
  const next = new Map<Signal, Consumer>();
  const seen: Payload[] = [];
  const calls: string[] = [];
  const attached: MetricsSource[] = [];
  const fake: FakeInstance = {
    id,
    kind,
    logger: recordingLogger(),
    next,
    seen,
    calls,
    attached,
    answer: async () => accepted,
    component: {
      async start() {
        journal.push(`start ${kind} ${id}`);
        if (options.startError !== undefined) {
          throw new Error(options.startError);
        }
      },
      async shutdown(deadline) {
        journal.push(`shutdown ${kind} ${id}`);
        await options.shutdown?.(deadline);
      },
      ...(kind === "receiver" || kind === "processor"
        ? {
            receiver: {
              ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
              connect(signal: Signal, consumer: Consumer) {
                calls.push(`connect ${signal}`);
                next.set(signal, consumer);
              },
            },
          }
        : {}),
      ...(kind === "processor"
        ? {
            processor: {
              wrap(signal: Signal, consumer: Consumer) {
                calls.push(`wrap ${signal}`);
                return {
                  async consume(payload: Payload) {
                    seen.push(payload);
                    const own = await fake.answer(payload);
                    return own.status === "accepted" ? consumer.consume(payload) : own;
                  },
                };
              },
            },
          }
        : {}),
      ...(kind === "exporter"
        ? {
            exporter: {
              ...(options.isScraped === true
                ? { attach: (source: MetricsSource) => attached.push(source) }
                : {}),
              consumer(signal: Signal) {
                calls.push(`consumer ${signal}`);
                return {
                  async consume(payload: Payload) {
                    seen.push(payload);
                    return await fake.answer(payload);
                  },
                };
              },
            },
          }
        : {}),
    },
  };
  return fake;
}

export function payloadOf(signal: Signal, items: number, transport?: "http" | "grpc"): Payload {
  return {
    signal,
    items,
    bytes: Uint8Array.of(1),
    ...(transport === undefined ? {} : { transport }),
  };
}
