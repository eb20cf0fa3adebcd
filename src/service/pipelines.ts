import type { ExporterRole, ProcessorRole, ReceiverRole } from "../component/component.ts";
import type { Consumer } from "../component/consumer.ts";
import type { Signal } from "../otlp/payload.ts";
import type { EdgeOf, Edges } from "./edges.ts";
import type { Branch, FanOut } from "./fan-out.ts";
import type { Instance } from "./lifecycle.ts";
import { type Stages, startOrder } from "./start-order.ts";

/** A pipeline of the config with its ids resolved. An instance may be in many pipelines and roles. */
export interface Pipeline extends Stages {
  /** `signal` or `signal/name`. */
  readonly id: string;
  readonly signal: Signal;
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
  { edges, fanOut }: { readonly edges: Edges; readonly fanOut: FanOut },
): readonly Instance[] {
  const order = startOrder(pipelines);
  const exporterEdges = createExporterEdges(edges);
  const entries = new Map<Instance, Map<Signal, Branch[]>>();

  for (const pipeline of pipelines) {
    attachScraped(pipeline);
    for (const flow of flowsOf(pipeline)) {
      const entry = entryOf(flow, { edges, fanOut, exporterEdge: exporterEdges });
      if (entry !== undefined) {
        for (const receiver of flow.receivers) {
          const bySignal = entries.get(receiver) ?? new Map<Signal, Branch[]>();
          entries.set(receiver, bySignal);
          const branches = bySignal.get(pipeline.signal) ?? [];
          bySignal.set(pipeline.signal, [...branches, entry]);
        }
      }
    }
  }

  for (const [instance, bySignal] of entries) {
    for (const [signal, branches] of bySignal) {
      const at = edgeOf(instance, signal);
      const next = fanOut.to(branches);
      receiverOf(instance).connect(
        signal,
        instance.kind === "receiver"
          ? edges.fromReceiver(at, next, receiverOf(instance).transports)
          : edges.fromConnector(at, next),
      );
    }
  }
  return order;
}

/** The first consumer of a pipeline, as a branch of its receivers; none if no exporter is pushed to. */
function entryOf(
  pipeline: Pipeline,
  {
    edges,
    fanOut,
    exporterEdge,
  }: {
    readonly edges: Edges;
    readonly fanOut: FanOut;
    readonly exporterEdge: (instance: Instance, signal: Signal) => Consumer | undefined;
  },
): Branch | undefined {
  const { signal } = pipeline;
  const sinks = pipeline.exporters.flatMap((exporter) => {
    const consumer = exporterEdge(exporter, signal);
    const keepsNothing = exporterOf(exporter).keepsNothing === true;
    return consumer === undefined ? [] : [{ name: exporter.id, consumer, keepsNothing }];
  });
  if (sinks.length === 0) {
    return undefined;
  }
  const consumer = pipeline.processors.reduceRight((next, instance) => {
    const at = edgeOf(instance, signal);
    const wrapped = processorOf(instance).wrap(signal, edges.outOfProcessor(at, next));
    return edges.intoProcessor(at, wrapped);
  }, fanOut.to(sinks));
  return {
    name: pipeline.id,
    consumer,
    keepsNothing: sinks.every(({ keepsNothing }) => keepsNothing),
  };
}

/** One consumer per exporter and signal, however many pipelines end there. */
function createExporterEdges(edges: Edges) {
  const made = new Map<Instance, Map<Signal, Consumer | undefined>>();
  return (instance: Instance, signal: Signal): Consumer | undefined => {
    const bySignal = made.get(instance) ?? new Map<Signal, Consumer | undefined>();
    made.set(instance, bySignal);
    if (!bySignal.has(signal)) {
      const consumer = exporterOf(instance).consumer?.(signal);
      bySignal.set(
        signal,
        consumer === undefined
          ? undefined
          : edges.intoExporter(edgeOf(instance, signal), consumer, {
              countsItems: exporterOf(instance).countsItems === true,
            }),
      );
    }
    return bySignal.get(signal);
  };
}

function attachScraped(pipeline: Pipeline): void {
  for (const exporter of pipeline.exporters) {
    const role = exporterOf(exporter);
    if (role.attach === undefined) {
      continue;
    }
    const sources = pipeline.receivers
      .map((receiver) => receiverOf(receiver).metrics)
      .filter((source) => source !== undefined);
    for (const source of sources) {
      role.attach(source);
    }
  }
}

/**
 * A pipeline as one or two flows of payloads. What a receiver pushes whose metrics are collected must not reach the exporters that
 * collect them: they would have every metric twice.
 */
function flowsOf(pipeline: Pipeline): readonly Pipeline[] {
  if (pipeline.signal !== "metrics") {
    return [pipeline];
  }
  const isCollected = (receiver: Instance) => receiverOf(receiver).metrics !== undefined;
  const isPushedTo = (exporter: Instance) => exporterOf(exporter).attach === undefined;
  return [
    { ...pipeline, receivers: pipeline.receivers.filter((each) => !isCollected(each)) },
    {
      ...pipeline,
      receivers: pipeline.receivers.filter(isCollected),
      exporters: pipeline.exporters.filter(isPushedTo),
    },
  ];
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
