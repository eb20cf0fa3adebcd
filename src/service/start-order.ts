import type { Instance } from "./lifecycle.ts";

/** The instances of a pipeline, in the order in which data passes them. */
export interface Stages {
  readonly receivers: readonly Instance[];
  readonly processors: readonly Instance[];
  readonly exporters: readonly Instance[];
}

/**
 * Every instance of the pipelines once, sinks first: an instance comes after all instances that it sends data to.
 * An instance may be on both sides of another one (a limiter in front of a component and in a pipeline
 * behind it). Then the first pipeline that names both decides their order.
 */
export function startOrder(pipelines: readonly Stages[]): readonly Instance[] {
  const ordered = new Set<Instance>();
  const visited = new Set<Instance>();
  const downstream = downstreamOf(pipelines);
  const visit = (instance: Instance) => {
    if (visited.has(instance)) {
      return;
    }
    visited.add(instance);
    for (const next of downstream.get(instance) ?? []) {
      visit(next);
    }
    ordered.add(instance);
  };
  for (const instance of downstream.keys()) {
    visit(instance);
  }
  // Receivers come last, so that everything has started before the first payload arrives.
  return [...ordered].toSorted((a, b) => rank(a) - rank(b));
}

function rank({ kind }: Instance): number {
  return kind === "receiver" ? 2 : kind === "exporter" ? 0 : 1;
}

/** The keys begin with the sources, so a walk over them visits the instances that they feed first. */
function downstreamOf(pipelines: readonly Stages[]): Map<Instance, Set<Instance>> {
  const downstream = new Map<Instance, Set<Instance>>();
  const addAll = (from: readonly Instance[], to: readonly Instance[]) => {
    for (const instance of from) {
      const set = downstream.get(instance) ?? new Set();
      downstream.set(instance, set);
      for (const next of to) {
        set.add(next);
      }
    }
  };
  for (const { receivers, processors, exporters } of pipelines) {
    const stages = [receivers, ...processors.map((processor) => [processor]), exporters];
    for (const [index, stage] of stages.entries()) {
      addAll(stage, stages[index + 1] ?? []);
    }
  }
  return downstream;
}
