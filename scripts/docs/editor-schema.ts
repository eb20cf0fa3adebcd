// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import type { ComponentKind } from "../../src/component/component-kind.ts";
import type { AnyFactory } from "../../src/component/factory.ts";
import { isSchema, type JsonSchema, writtenSchemaOf } from "../../src/config/json-schema.ts";
import { serviceSchema } from "../../src/service/config-schema.ts";

/** `schema/activity-collector.schema.json`: the whole config, for editors that complete and check YAML. */
export function editorSchema(factories: readonly AnyFactory[]): JsonSchema {
  const section = (kind: ComponentKind, description: string): JsonSchema => ({
    type: ["object", "null"],
    description,
    additionalProperties: false,
    patternProperties: Object.fromEntries(
      factories
        .filter((factory) => factory.kind === kind)
        .map((factory) => [
          `^${namePattern(factory)}(/.+)?$`,
          { ...lenient(writtenSchemaOf(factory.schema)), description: factory.description },
        ]),
    ),
  });
  const service = lenient(writtenSchemaOf(serviceSchema));
  const pipelines = service.properties?.["pipelines"];
  if (typeof pipelines !== "object") throw new Error("The service has no pipelines in its schema.");
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "OpenClaw Activity Collector configuration",
    type: "object",
    additionalProperties: false,
    properties: {
      receivers: section("receiver", "The receivers: they receive data."),
      processors: section("processor", "The processors: they observe or change data."),
      exporters: section("exporter", "The exporters: they send data out."),
      extensions: section("extension", "The extensions: they run beside the pipelines."),
      service: {
        ...service,
        properties: {
          ...service.properties,
          pipelines: { ...pipelines, propertyNames: { pattern: "^(traces|metrics|logs)(/.+)?$" } },
        },
      },
    },
    $defs: {
      reference: {
        type: "string",
        pattern: "\\$\\{",
        description: "A reference to a value that is defined elsewhere, e.g. ${env:NAME}.",
      },
    },
  };
}

function namePattern({ type, deprecatedAlias: alias }: AnyFactory): string {
  return alias === undefined ? type : `(${type}|${alias})`;
}

/**
 * The same schema, where a section may be empty, every value may be a reference such as `${env:NAME}`,
 * and nothing is required: a file may be an overlay that another one completes.
 */
function lenient(schema: JsonSchema): JsonSchema {
  const { $schema: _, required: __, ...own } = withoutNull(schema);
  if (own.type === "object") return { ...lenientChildren(own), type: ["object", "null"] };
  if (own.type === "array") return lenientChildren(own);
  const isFreeText =
    own.type === "string" &&
    own.enum === undefined &&
    own.pattern === undefined &&
    own.format === undefined;
  if (isFreeText || own.not !== undefined) return own;
  const { title, description, default: preset, examples, anyOf, ...check } = own;
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    ...(examples === undefined ? {} : { examples }),
    anyOf: [...(anyOf?.map(lenientChildren) ?? [check]), { $ref: "#/$defs/reference" }],
  };
}

/** A choice between a map and nothing is a map here, so that editors can report mistakes inside the map. */
function withoutNull(schema: JsonSchema): JsonSchema {
  const { anyOf, ...rest } = schema;
  const [only, ...others] = anyOf?.filter(({ type }) => type !== "null") ?? [];
  return only?.type === "object" && others.length === 0 ? { ...only, ...rest } : schema;
}

function lenientChildren(schema: JsonSchema): JsonSchema {
  const inner = <T>(child: T) => (isSchema(child) ? lenient(child) : child);
  const innerMap = (children: NonNullable<JsonSchema["properties"]>) =>
    Object.fromEntries(Object.entries(children).map(([key, child]) => [key, inner(child)]));
  return {
    ...schema,
    ...(schema.properties === undefined ? {} : { properties: innerMap(schema.properties) }),
    ...(schema.additionalProperties === undefined
      ? {}
      : { additionalProperties: inner(schema.additionalProperties) }),
    ...(schema.items === undefined ? {} : { items: inner(schema.items) }),
  };
}
