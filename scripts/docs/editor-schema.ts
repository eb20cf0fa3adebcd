// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import type { AnyFactory, ComponentKind } from "../../src/component/factory.ts";
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
          `^${factory.type}(/.+)?$`,
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
      receivers: section("receiver", "Where data comes in."),
      processors: section("processor", "What is done with it on its way."),
      exporters: section("exporter", "Where it goes."),
      extensions: section("extension", "What runs beside the pipelines."),
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
        description: "A value from elsewhere, e.g. ${env:NAME}.",
      },
    },
  };
}

/** The same schema, where a section may be empty and every value may be a reference such as `${env:NAME}`. */
function lenient(schema: JsonSchema): JsonSchema {
  const { $schema: _, ...own } = schema;
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
