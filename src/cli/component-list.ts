import { stringify } from "yaml";
import type { ComponentKind } from "../component/component-kind.ts";
import type { AnyFactory } from "../component/factory.ts";

const sections = [
  ["receivers", "receiver"],
  ["processors", "processor"],
  ["exporters", "exporter"],
  ["extensions", "extension"],
] as const satisfies readonly (readonly [string, ComponentKind])[];

/** The components of this program, as YAML in the Collector's form. */
export function componentList(factories: readonly AnyFactory[], version: string): string {
  const list = {
    buildinfo: {
      command: "activity-collector",
      description: "Detects work of AI-agent sessions that has no owner any more.",
      version,
    },
    ...Object.fromEntries(
      sections.map(([section, kind]) => [
        section,
        factories.filter((factory) => factory.kind === kind).map(entryOf),
      ]),
    ),
  };
  return stringify(list, { lineWidth: 0 });
}

function entryOf({ type, deprecatedAlias, description, stability, roles }: AnyFactory) {
  const signalsOf = {
    receiver: roles.receiver,
    processor: roles.processor,
    exporter: roles.exporter,
  };
  return {
    name: type,
    ...(deprecatedAlias === undefined ? {} : { deprecated_alias: deprecatedAlias }),
    description,
    stability,
    signals: Object.fromEntries(
      Object.entries(signalsOf).filter(([, signals]) => signals !== undefined),
    ),
  };
}
