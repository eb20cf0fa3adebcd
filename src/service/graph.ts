import type { AnyFactory } from "../component/factory.ts";
import { authenticatorNamed, authenticatorsIn } from "./authenticator-names.ts";
import { createEdges } from "./edges.ts";
import type { FanOut } from "./fan-out.ts";
import {
  type InstanceSpec,
  type Matching,
  matchInstances,
  nameOfRef,
} from "./instance-matching.ts";
import { buildInstance, type LiveInstance, type Surroundings, telemetryRef } from "./instances.ts";
import type { Outlets } from "./outlets.ts";
import { type Connections, prepareConnections } from "./pipelines.ts";
import { factoryOf } from "./service-factories.ts";
import type { ComponentRef, ServicePlan } from "./service-plan.ts";

/** The instances of one config and their connections. */
export interface Graph {
  readonly plan: ServicePlan;
  readonly specs: readonly InstanceSpec[];
  readonly byName: ReadonlyMap<string, LiveInstance>;
  /** All instances in the order to start them. */
  readonly order: readonly LiveInstance[];
  readonly connections: Connections;
  /** How it differs from the graph before; in the first graph everything is added. */
  readonly matching: Matching;
}

export interface GraphParts extends Surroundings {
  readonly fanOut: FanOut;
  readonly outlets: Outlets;
}

/**
 * Builds what a config needs and the graph before does not have, and prepares the connections. Opens nothing, and changes nothing of the
 * graph before. Throws an `Error` whose message is for an operator if the pipelines cannot work.
 */
export function buildGraph(plan: ServicePlan, before: Graph | undefined, parts: GraphParts): Graph {
  const specs = specsOf(plan, parts.options.factories);
  const matching = matchInstances(before?.specs ?? [], specs);
  const byName = new Map<string, LiveInstance>();
  const isKept = (ref: ComponentRef | undefined) =>
    ref !== undefined && matching.kept.has(nameOfRef(ref));
  const replacesOf = (ref: ComponentRef) => {
    if (!matching.changed.has(nameOfRef(ref))) {
      return undefined;
    }
    const [old, next] = [before?.plan.storageOf(ref), plan.storageOf(ref)];
    const sharesStorage =
      old !== undefined && next !== undefined && nameOfRef(old) === nameOfRef(next) && isKept(next);
    return { sharesStorage };
  };
  const instanceOf = (ref: ComponentRef): LiveInstance => {
    const name = nameOfRef(ref);
    const instance =
      byName.get(name) ??
      (isKept(ref) ? before?.byName.get(name) : undefined) ??
      buildInstance(ref, { plan, instanceOf, replaces: replacesOf(ref) }, parts);
    byName.set(name, instance);
    return instance;
  };

  // First to start and last to stop, so that the counters of the draining can still be scraped.
  const telemetry = plan.telemetryEndpoint === undefined ? [] : [instanceOf(telemetryRef)];
  const pipelines = plan.pipelines.map((pipeline) => ({
    ...pipeline,
    receivers: pipeline.receivers.map(instanceOf),
    processors: pipeline.processors.map(instanceOf),
    exporters: pipeline.exporters.map(instanceOf),
  }));
  const connections = prepareConnections(pipelines, {
    edges: createEdges(parts.counts),
    fanOut: parts.fanOut,
    outlets: parts.outlets,
  });
  const order = [
    ...telemetry,
    ...plan.extensions.map(instanceOf),
    ...connections.order.map(instanceOf),
  ];
  for (const storage of plan.extensions.filter((ref) => !isKept(ref))) {
    const users = order.filter((instance) => {
      const used = plan.storageOf(instance);
      return used !== undefined && nameOfRef(used) === nameOfRef(storage);
    });
    instanceOf(storage).component.storage?.expect?.(users);
  }
  return { plan, specs, byName, order, connections, matching };
}

function specsOf(plan: ServicePlan, factories: readonly AnyFactory[]): readonly InstanceSpec[] {
  const specs = new Map<string, InstanceSpec & { readonly places: string[] }>();
  const specOf = (ref: ComponentRef) => {
    const spec = specs.get(nameOfRef(ref)) ?? {
      kind: ref.kind,
      id: ref.id,
      section:
        ref === telemetryRef ? [plan.telemetryEndpoint, plan.telemetryServer] : plan.sectionOf(ref),
      uses: usedBy(ref),
      places: [],
    };
    specs.set(nameOfRef(ref), spec);
    return spec;
  };
  function usedBy(ref: ComponentRef): readonly ComponentRef[] {
    if (ref === telemetryRef) {
      const used = authenticatorNamed(plan.telemetryServer?.auth?.authenticator ?? "");
      return used === undefined ? [] : [used];
    }
    const storage = plan.storageOf(ref);
    return [
      ...(storage === undefined ? [] : [storage]),
      ...authenticatorsIn(plan.sectionOf(ref), factoryOf(factories, ref)),
    ];
  }
  const place = (ref: ComponentRef, at: string) => {
    const { places } = specOf(ref);
    if (!places.includes(at)) {
      places.push(at);
    }
  };
  if (plan.telemetryEndpoint !== undefined) {
    specOf(telemetryRef);
  }
  for (const extension of plan.extensions) {
    specOf(extension);
  }
  for (const { id, signal, receivers, processors, exporters } of plan.pipelines) {
    for (const receiver of receivers) {
      place(receiver, `receiver of ${signal}`);
    }
    const hasDerived = receivers.some(({ kind }) => kind === "processor");
    for (const processor of processors) {
      // What is derived takes a way of its own through a pipeline.
      place(processor, `processor in ${id}${hasDerived ? " with derived data" : ""}`);
    }
    for (const exporter of exporters) {
      place(exporter, `exporter of ${signal}`);
      if (factoryOf(factories, exporter).roles.scraped === true) {
        for (const receiver of receivers) {
          place(exporter, `scraped for ${nameOfRef(receiver)}`);
        }
      }
    }
  }
  return [...specs.values()];
}
