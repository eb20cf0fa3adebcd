import type { ConfigProblem } from "../config/problem.ts";
import type { DeclaredComponent } from "./config-components.ts";
import { isDeriving, type Reference, type ResolvedPipeline } from "./config-pipelines.ts";

/** The problems of pipelines whose names are all valid: data that reaches no exporter, or flows in a cycle. */
export function topologyProblems(pipelines: readonly ResolvedPipeline[]): readonly ConfigProblem[] {
  return [
    ...pipelines.flatMap((pipeline) => starvedReceivers(pipeline, pipelines)),
    ...circles(pipelines),
  ];
}

/** A deriving component that no pipeline feeds never emits data. */
function starvedReceivers(
  pipeline: ResolvedPipeline,
  pipelines: readonly ResolvedPipeline[],
): readonly ConfigProblem[] {
  return pipeline.receivers
    .filter(
      ({ component }) =>
        isDeriving(component.factory) && !pipelines.some((each) => takes(each, component)),
    )
    .map(({ component, at, path }) => ({
      at,
      path,
      message: `names "${component.id}", which derives data from other pipelines, but no pipeline has it in its ${component.kind}s. Add it to the ${component.kind}s of a ${signalsTaken(component)} pipeline.`,
    }));
}

/** The pipelines form a cycle if a component, directly or through others, receives its own output. */
function circles(pipelines: readonly ResolvedPipeline[]): readonly ConfigProblem[] {
  return pipelines.flatMap((pipeline) =>
    pipeline.receivers
      .filter(
        ({ component }) => isDeriving(component.factory) && reaches(pipeline, component, pipelines),
      )
      .map((receiver) => ({
        at: receiver.at,
        path: receiver.path,
        message: `names "${receiver.component.id}", which would receive its own output: the pipelines form a cycle. Remove it from the ${receiver.component.kind}s of this pipeline and of the pipelines that this one feeds.`,
      })),
  );
}

/** Whether data that enters `from` reaches `target` through deriving components. */
function reaches(
  from: ResolvedPipeline,
  target: DeclaredComponent,
  pipelines: readonly ResolvedPipeline[],
): boolean {
  const reached = new Set<ResolvedPipeline>([from]);
  for (const pipeline of reached) {
    if (takes(pipeline, target)) return true;
    for (const next of pipelines) {
      if (
        next.receivers.some(
          ({ component }) => isDeriving(component.factory) && takes(pipeline, component),
        )
      ) {
        reached.add(next);
      }
    }
  }
  return false;
}

function takes(pipeline: ResolvedPipeline, component: DeclaredComponent): boolean {
  const isIt = (reference: Reference) => reference.component === component;
  return pipeline.processors.some(isIt) || pipeline.exporters.some(isIt);
}

function signalsTaken({ factory }: DeclaredComponent): string {
  return (factory.roles.processor ?? factory.roles.exporter ?? []).join(" or ");
}
