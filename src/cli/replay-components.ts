import { z } from "zod";
import type { Component, MetricsSource } from "../component/component.ts";
import { accepted, type Consumer } from "../component/consumer.ts";
import { type AnyFactory, declare, isOfType } from "../component/factory.ts";
import type { Signal } from "../otlp/payload.ts";
import type { ComponentRef, ServicePlan } from "../service/service-plan.ts";

/** The parts of the pipelines that a replay feeds, and those that return its results. */
export interface ReplayParts {
  readonly factories: readonly AnyFactory[];
  /** The plan with one more pipeline, for the derived logs. */
  readonly plan: ServicePlan;
  /** The consumers of the receivers, by signal; filled when the service is built. */
  readonly entries: ReadonlyMap<Signal, Consumer>;
  /** The components whose metrics can be collected; filled when the service is built. */
  readonly sources: readonly MetricsSource[];
}

const tap: ComponentRef = { kind: "exporter", id: "replay" };

/**
 * The configured pipelines without connections to the outside: the replay takes the place of the receivers,
 * exporters accept everything and send nothing, and extensions do nothing. Processors are the real ones.
 * `onLogs` gets the logs that they derive, even if no pipeline of the config carries these.
 */
export function replayParts(
  plan: ServicePlan,
  real: readonly AnyFactory[],
  onLogs: (bytes: Uint8Array) => void,
): ReplayParts {
  const branches = new Map<Signal, Consumer[]>();
  const entries = new Map<Signal, Consumer>();
  const sources: MetricsSource[] = [];
  const connect = (signal: Signal, next: Consumer) => {
    const consumers = [...(branches.get(signal) ?? []), next];
    branches.set(signal, consumers);
    entries.set(signal, inOrder(consumers));
  };

  const factories = real.map((factory): AnyFactory => {
    switch (factory.kind) {
      case "receiver":
        return { ...factory, create: () => inert({ receiver: { connect } }) };
      case "processor":
        return {
          ...factory,
          create(settings, section) {
            const component = factory.create(settings, section);
            if (component.receiver?.metrics !== undefined) {
              sources.push(component.receiver.metrics);
            }
            return component;
          },
        };
      case "exporter":
        return { ...factory, create: () => inert({ exporter: sinkLike(factory) }) };
      case "extension":
        return { ...factory, create: () => inert({}) };
      default: {
        const never: never = factory.kind;
        return never;
      }
    }
  });

  return {
    factories: [...factories, tapFactory(onLogs)],
    plan: withTap(plan, real),
    entries,
    sources,
  };
}

function withTap(plan: ServicePlan, factories: readonly AnyFactory[]): ServicePlan {
  const derivesLogs = ({ kind, id }: ComponentRef) =>
    factories.some(
      (factory) =>
        factory.kind === kind &&
        isOfType(factory, id) &&
        (factory.roles.receiver?.includes("logs") ?? false),
    );
  const used = plan.pipelines.flatMap(({ processors }) => processors).filter(derivesLogs);
  const unique = [...new Map(used.map((ref) => [ref.id, ref])).values()];
  return {
    ...plan,
    extensions: [],
    // A replay neither reads nor overwrites the stored state of a running collector.
    storageOf: () => undefined,
    pipelines: [
      ...plan.pipelines,
      ...(unique.length === 0
        ? []
        : [
            {
              id: "logs/replay",
              signal: "logs" as const,
              receivers: unique,
              processors: [],
              exporters: [tap],
            },
          ]),
    ],
  };
}

function tapFactory(onLogs: (bytes: Uint8Array) => void): AnyFactory {
  return declare({
    type: tap.id,
    kind: tap.kind,
    roles: { exporter: ["logs"] },
    stability: "development",
    description: "Collects the derived data of a replay.",
    schema: z.unknown(),
    create: () =>
      inert({
        exporter: {
          consumer: () => ({
            async consume({ bytes }) {
              onLogs(bytes);
              return accepted;
            },
          }),
        },
      }),
  });
}

function sinkLike({ roles }: AnyFactory): NonNullable<Component["exporter"]> {
  const consumer = () => ({ consume: async () => accepted });
  return roles.scraped === true ? { consumer, attach: () => {} } : { consumer };
}

/** Passes each payload to one receiver's pipelines after another's. */
function inOrder(consumers: readonly Consumer[]): Consumer {
  return {
    async consume(payload) {
      for (const consumer of consumers) {
        const result = await consumer.consume(payload);
        if (result.status !== "accepted") {
          return result;
        }
      }
      return accepted;
    },
  };
}

function inert(roles: Omit<Component, "start" | "shutdown">): Component {
  return { ...roles, start: async () => {}, shutdown: async () => {} };
}
