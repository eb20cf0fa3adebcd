import type { OtlpAddress } from "../component/factory.ts";
import { type MapNode, positionOf } from "../config/node.ts";
import { type ConfigProblem, formatPath } from "../config/problem.ts";
import type { Signal } from "../otlp/payload.ts";
import type { DeclaredComponent } from "./config-components.ts";
import { isReachedBy } from "./config-endpoints.ts";
import type { ResolvedPipeline } from "./config-pipelines.ts";

/**
 * Exporters that send to a receiver of this program which feeds the same pipeline again, directly or through others: what arrives once
 * would go round for ever. Each problem is at the endpoint of the exporter.
 */
export function endlessLoops(
  root: MapNode,
  pipelines: readonly ResolvedPipeline[],
): readonly ConfigProblem[] {
  const steps = pipelines.flatMap((from) => stepsFrom(from, pipelines));
  return steps
    .filter(({ from, to }) => reaches(to, from, steps))
    .map(({ from, exporter, sends, receives }) => {
      const path = [...exporter.path, ...sends.path];
      const receiver = formatPath([...receives.component.path, ...receives.address.path]);
      return {
        at: positionOf(root, path),
        path,
        message: `is where ${receiver} listens, which feeds the pipeline "${from.id}" again: what arrives there would be sent round for ever. Write the endpoint of the backend.`,
      };
    });
}

/** From a pipeline into another, or into itself, through an exporter and a receiver. */
interface Step {
  readonly from: ResolvedPipeline;
  readonly exporter: DeclaredComponent;
  readonly sends: OtlpAddress;
  readonly receives: { readonly component: DeclaredComponent; readonly address: OtlpAddress };
  readonly to: ResolvedPipeline;
}

function stepsFrom(
  from: ResolvedPipeline,
  pipelines: readonly ResolvedPipeline[],
): readonly Step[] {
  const { signal } = from;
  return from.exporters.flatMap(({ component: exporter }) =>
    addressesOf(exporter, "sendsTo", signal).flatMap((sends) =>
      pipelines
        .filter((to) => to.signal === signal)
        .flatMap((to) =>
          to.receivers.flatMap(({ component }) =>
            addressesOf(component, "receivesAt", signal)
              .filter((address) => isSame(address, sends))
              .map((address) => ({ from, exporter, sends, receives: { component, address }, to })),
          ),
        ),
    ),
  );
}

function addressesOf(
  { factory, section }: DeclaredComponent,
  what: "sendsTo" | "receivesAt",
  signal: Signal,
): readonly OtlpAddress[] {
  // A section with problems is undefined; they are reported elsewhere.
  return section === undefined ? [] : (factory[what]?.(section, signal) ?? []);
}

function isSame(receives: OtlpAddress, sends: OtlpAddress): boolean {
  return (
    receives.protocol === sends.protocol &&
    receives.isSecure === sends.isSecure &&
    receives.urlPath === sends.urlPath &&
    isReachedBy(receives.address, sends.address)
  );
}

function reaches(
  from: ResolvedPipeline,
  target: ResolvedPipeline,
  steps: readonly Step[],
): boolean {
  const reached = new Set([from]);
  for (const pipeline of reached) {
    for (const step of steps) {
      if (step.from === pipeline) {
        reached.add(step.to);
      }
    }
  }
  return reached.has(target);
}
