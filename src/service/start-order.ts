import type { Instance } from "./lifecycle.ts";
import type { Pipeline } from "./pipelines.ts";

/**
 * Every instance of the pipelines once, sinks first: an instance comes after all that it hands data to.
 *
 * Throws when data could go round in a circle. An instance may well stand on both sides of another one (a
 * limiter in front of a component and in a pipeline behind it); that is no circle of data, and then the
 * order of these two is the one of the first pipeline that names them.
 */
export function startOrder(pipelines: readonly Pipeline[]): readonly Instance[] {
  refuseCycles(pipelines);
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
  // Receivers last of all, so that the first payload finds everything started.
  return [...ordered].toSorted((a, b) => rank(a) - rank(b));
}

function rank({ kind }: Instance): number {
  return kind === "receiver" ? 2 : kind === "exporter" ? 0 : 1;
}

/** Sources first among the keys, so that a walk over them meets what they feed before anything else. */
function downstreamOf(pipelines: readonly Pipeline[]): Map<Instance, Set<Instance>> {
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
    const stations = [receivers, ...processors.map((processor) => [processor]), exporters];
    for (const [index, station] of stations.entries()) {
      addAll(station, stations[index + 1] ?? []);
    }
  }
  return downstream;
}

/** A pipeline feeds another when a component that takes data in the one hands on what it derives in the other. */
function refuseCycles(pipelines: readonly Pipeline[]): void {
  const path: Pipeline[] = [];
  const clean = new Set<Pipeline>();
  const visit = (pipeline: Pipeline) => {
    if (path.includes(pipeline)) {
      const circle = [...path.slice(path.indexOf(pipeline)), pipeline];
      throw new Error(
        `Cannot build the pipelines: data would go round in a circle: ${circle.map(({ id }) => `"${id}"`).join(" → ")}. Take the component that joins them out of one.`,
      );
    }
    if (clean.has(pipeline)) {
      return;
    }
    path.push(pipeline);
    const takers = new Set([...pipeline.processors, ...pipeline.exporters]);
    for (const next of pipelines) {
      if (next.receivers.some((receiver) => takers.has(receiver))) {
        visit(next);
      }
    }
    path.pop();
    clean.add(pipeline);
  };
  for (const pipeline of pipelines) {
    visit(pipeline);
  }
}
