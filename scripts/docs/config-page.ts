import type { ComponentKind } from "../../src/component/component-kind.ts";
import type { AnyFactory } from "../../src/component/factory.ts";
import { writtenSchemaOf } from "../../src/config/json-schema.ts";
import { serviceSchema } from "../../src/service/config-schema.ts";
import { configRules } from "./config-rules.ts";
import { table } from "./markdown.ts";
import { optionRows } from "./option-rows.ts";

const kinds = [
  "receiver",
  "processor",
  "exporter",
  "extension",
] as const satisfies readonly ComponentKind[];

/** `docs/config.md`: how a config is read, and every option of every component. */
export function configPage(factories: readonly AnyFactory[]): string {
  return [
    configRules,
    ...kinds.flatMap((kind) => {
      const ofKind = factories.filter((factory) => factory.kind === kind);
      return ofKind.length === 0 ? [] : [`## ${capitalized(kind)}s`, ...ofKind.map(componentPart)];
    }),
    "## Service",
    pipelineRules,
    table(["Key", "Type", "Default", "Meaning"], cells(optionsOfService())),
    "",
  ].join("\n\n");
}

/** The table of a component's options, also for its own README. */
export function optionsTable(factory: AnyFactory): string {
  const rows = optionRows(writtenSchemaOf(factory.schema));
  return rows.length === 0
    ? "It has no options."
    : table(["Key", "Type", "Default", "Meaning"], cells(rows));
}

const pipelineRules = `A pipeline is named \`traces\`, \`metrics\` or \`logs\`, optionally with \`/name\`. It lists, by id, the receivers that feed it, the
processors that the data passes in this order, and the exporters that get the data. One id is one instance, even if several pipelines name it.
A component that no pipeline names is checked, but not created.`;

function componentPart(factory: AnyFactory): string {
  const { roles, deprecatedAlias: alias } = factory;
  const places = [
    roles.receiver === undefined ? [] : [`\`receivers\` of ${listed(roles.receiver)} pipelines`],
    roles.processor === undefined ? [] : [`\`processors\` of ${listed(roles.processor)} pipelines`],
    roles.exporter === undefined ? [] : [`\`exporters\` of ${listed(roles.exporter)} pipelines`],
  ].flat();
  return [
    `### \`${factory.type}\` ${factory.kind}`,
    `${factory.description} Stability: ${factory.stability}.${places.length === 0 ? "" : ` Used in ${listed(places)}.`}${
      alias === undefined
        ? ""
        : ` Its old name \`${alias}\` is accepted, with a warning; the id stays as written, also in logs and metrics.`
    }`,
    optionsTable(factory),
  ].join("\n\n");
}

function optionsOfService() {
  const rows = optionRows(writtenSchemaOf(serviceSchema));
  const pipeline = optionRows(writtenSchemaOf(serviceSchema.shape.pipelines)).length;
  if (pipeline > 0)
    throw new Error("Pipelines are documented by hand below; their schema has changed.");
  const inPipeline = optionRows(writtenSchemaOf(serviceSchema.shape.pipelines.valueType)).map(
    (row) => ({
      ...row,
      key: `pipelines.<id>.${row.key}`,
    }),
  );
  return rows.flatMap((row) =>
    row.key === "pipelines" ? [{ ...row, type: "map" }, ...inPipeline] : [row],
  );
}

function cells(rows: ReturnType<typeof optionRows>): readonly (readonly string[])[] {
  return rows.map((row) => [`\`${row.key}\``, row.type, row.default, row.description]);
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
