import type { ExporterRole, ProcessorRole, ReceiverRole } from "../component/component.ts";
import type { Consumer } from "../component/consumer.ts";
import type { Signal } from "../otlp/payload.ts";
import type { EdgeOf, Edges } from "./edges.ts";
import type { Branch, FanOut } from "./fan-out.ts";
import type { Instance } from "./lifecycle.ts";
import { Outlets } from "./outlets.ts";
import { type Stages, startOrder } from "./start-order.ts";

/** A pipeline of the config with its ids resolved. An instance may be in many pipelines and roles. */
export interface Pipeline extends Stages {
  /** `signal` or `signal/name`. */
  readonly id: string;
  readonly signal: Signal;
}

/** Connected pipelines. */
export interface Connections {
  /** All instances, each once, in the order to start them: sinks before sources. */
  readonly order: readonly Instance[];
  /** The first consumer of a pipeline for what the receiver passes on; none if no exporter is pushed to. */
  readonly entryFor: (
    pipeline: Pick<Pipeline, "id" | "signal">,
    receiver: Instance,
  ) => Branch | undefined;
  /** What a receiver that feeds these pipelines passes its data to. */
  readonly feed: (receiver: Instance, signal: Signal, branches: readonly Branch[]) => Consumer;
  /** Lets the data flow, also of instances that were connected before: from now on they pass it on as these pipelines define. */
  apply(): void;
  /** The connections are not needed: refuses the data that waits at instances that are new. */
  discard(): void;
}

/**
 * Connects the instances as the pipelines define and returns all of them, each once, in the order to start
 * them: sinks before sources. The pipelines must have been checked (`config.ts`); a component that lacks a
 * role its factory declares throws.
 *
 * A receiver in several pipelines of a signal sends each payload to all of them. An exporter that pulls
 * metrics is attached to every receiver of its pipelines that has metrics, and gets no payloads of that receiver, which would
 * be the same metrics again; processors between the two are bypassed.
 */
export function connectPipelines(
  pipelines: readonly Pipeline[],
  parts: { readonly edges: Edges; readonly fanOut: FanOut },
): readonly Instance[] {
  const connections = prepareConnections(pipelines, { ...parts, outlets: new Outlets() });
  connections.apply();
  return connections.order;
}

/**
 * As `connectPipelines`, but nothing flows before `apply`. Instances that `outlets` knows keep running: only what is behind them is
 * exchanged. They must have the same places in the pipelines as before.
 */
export function prepareConnections(
  pipelines: readonly Pipeline[],
  {
    edges,
    fanOut,
    outlets,
  }: { readonly edges: Edges; readonly fanOut: FanOut; readonly outlets: Outlets },
): Connections {
  const order = startOrder(pipelines);
  const exchanges: (() => void)[] = [];
  const entries = new Map<string, Branch>();
  const feeds = new Map<Instance, Map<Signal, Branch[]>>();
  const isNew = new Set(order.filter((instance) => !outlets.has(instance)));

  for (const pipeline of pipelines) {
    attachScraped(pipeline, outlets, exchanges);
    for (const flow of flowsOf(pipeline)) {
      const entry = entryOf(flow, { edges, fanOut, outlets, exchanges });
      if (entry !== undefined) {
        entries.set(flow.name, entry);
        for (const receiver of flow.receivers) {
          const bySignal = feeds.get(receiver) ?? new Map<Signal, Branch[]>();
          feeds.set(receiver, bySignal);
          const branches = bySignal.get(pipeline.signal) ?? [];
          bySignal.set(pipeline.signal, [...branches, entry]);
        }
      }
    }
  }

  const feed: Connections["feed"] = (instance, signal, branches) => {
    const at = edgeOf(instance, signal);
    const next = fanOut.to(`${instance.kind} ${instance.id} ${signal}`, branches);
    return instance.kind === "receiver"
      ? edges.fromReceiver(at, next, receiverOf(instance).transports)
      : edges.fromConnector(at, next);
  };
  for (const [instance, bySignal] of feeds) {
    for (const [signal, branches] of bySignal) {
      const outlet = outlets.ofReceiver(instance, signal, (next) =>
        receiverOf(instance).connect(signal, next),
      );
      const target = feed(instance, signal, branches);
      exchanges.push(() => outlet.exchange(target));
    }
  }
  return {
    order,
    entryFor: ({ id, signal }, receiver) =>
      entries.get(flowNameOf({ id, isDerived: signal === "metrics" && isCollected(receiver) })),
    feed,
    apply() {
      for (const exchange of exchanges) {
        exchange();
      }
    },
    discard() {
      for (const instance of isNew) {
        outlets.giveUp(instance);
      }
    },
  };
}

/** A way of payloads through a pipeline. */
interface Flow extends Pipeline {
  /** Unique among all pipelines. */
  readonly name: string;
}

/** The first consumer of a pipeline, as a branch of its receivers; none if no exporter is pushed to. */
function entryOf(
  pipeline: Flow,
  {
    edges,
    fanOut,
    outlets,
    exchanges,
  }: {
    readonly edges: Edges;
    readonly fanOut: FanOut;
    readonly outlets: Outlets;
    readonly exchanges: (() => void)[];
  },
): Branch | undefined {
  const { signal } = pipeline;
  const sinks = pipeline.exporters.flatMap((exporter) => {
    const consumer = outlets.ofExporter(exporter, signal, () => {
      const own = exporterOf(exporter).consumer?.(signal);
      return own === undefined
        ? undefined
        : edges.intoExporter(edgeOf(exporter, signal), own, {
            countsItems: exporterOf(exporter).countsItems === true,
          });
    });
    const keepsNothing = exporterOf(exporter).keepsNothing === true;
    return consumer === undefined ? [] : [{ name: exporter.id, consumer, keepsNothing }];
  });
  if (sinks.length === 0) {
    return undefined;
  }
  const consumer = pipeline.processors.reduceRight(
    (next, instance) => {
      const at = edgeOf(instance, signal);
      const { wrapped, outlet } = outlets.ofProcessor(instance, pipeline.name, (behind) =>
        edges.intoProcessor(at, processorOf(instance).wrap(signal, behind)),
      );
      const target = edges.outOfProcessor(at, next);
      exchanges.push(() => outlet.exchange(target));
      return wrapped;
    },
    fanOut.to(`pipeline ${pipeline.id}`, sinks),
  );
  return {
    name: pipeline.id,
    consumer,
    keepsNothing: sinks.every(({ keepsNothing }) => keepsNothing),
  };
}

function attachScraped(pipeline: Pipeline, outlets: Outlets, exchanges: (() => void)[]): void {
  for (const exporter of pipeline.exporters) {
    const role = exporterOf(exporter);
    if (role.attach === undefined) {
      continue;
    }
    for (const receiver of pipeline.receivers) {
      const { metrics } = receiverOf(receiver);
      if (metrics !== undefined) {
        const source = outlets.sourceOf(exporter, receiver, (made) => role.attach?.(made));
        exchanges.push(() => source.exchange(metrics));
      }
    }
  }
}

/**
 * A pipeline as one or two flows of payloads. What a receiver pushes whose metrics are collected must not reach the exporters that
 * collect them: they would have every metric twice.
 */
function flowsOf(pipeline: Pipeline): readonly Flow[] {
  if (pipeline.signal !== "metrics") {
    return [{ ...pipeline, name: pipeline.id }];
  }
  const isPushedTo = (exporter: Instance) => exporterOf(exporter).attach === undefined;
  return [
    {
      ...pipeline,
      name: flowNameOf({ id: pipeline.id, isDerived: false }),
      receivers: pipeline.receivers.filter((each) => !isCollected(each)),
    },
    {
      ...pipeline,
      name: flowNameOf({ id: pipeline.id, isDerived: true }),
      receivers: pipeline.receivers.filter(isCollected),
      exporters: pipeline.exporters.filter(isPushedTo),
    },
  ];
}

function isCollected(receiver: Instance): boolean {
  return receiverOf(receiver).metrics !== undefined;
}

function flowNameOf({
  id,
  isDerived,
}: {
  readonly id: string;
  readonly isDerived: boolean;
}): string {
  return isDerived ? `${id} of derived metrics` : id;
}

function edgeOf({ id, kind, logger }: Instance, signal: Signal): EdgeOf {
  return { id, kind, logger, signal };
}

function receiverOf(instance: Instance): ReceiverRole {
  return instance.component.receiver ?? missingRole(instance, "receivers");
}

function processorOf(instance: Instance): ProcessorRole {
  return instance.component.processor ?? missingRole(instance, "processors");
}

function exporterOf(instance: Instance): ExporterRole {
  return instance.component.exporter ?? missingRole(instance, "exporters");
}

function missingRole({ kind, id }: Instance, place: string): never {
  throw new Error(
    `Cannot use the ${kind} "${id}" in "${place}" of a pipeline: it has no such role.`,
  );
}
