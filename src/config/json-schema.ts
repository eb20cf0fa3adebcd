import { z } from "zod";

/** A JSON Schema of the input that a user may write, as zod creates it. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The JSON Schema of the input that a user may write (not of the parsed result). */
export function writtenSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
}

/** Every sub-schema that may apply at `path`; more than one where the user has a choice. */
export function schemasAt(root: JsonSchema, path: readonly PropertyKey[]): readonly JsonSchema[] {
  let found = choicesOf(root, root);
  for (const part of path) {
    found = found
      .flatMap((schema) => childrenOf(schema, part))
      .flatMap((child) => choicesOf(root, child));
  }
  return found;
}

/** The keys that may be written in the map at `path`, without those that are only there to be refused; empty where any may. */
export function keysAt(root: JsonSchema, path: readonly PropertyKey[]): readonly string[] {
  return [
    ...new Set(
      schemasAt(root, path)
        .flatMap((schema) => Object.entries(schema.properties ?? {}))
        .filter(([, option]) => !isSchema(option) || option.not === undefined)
        .map(([key]) => key),
    ),
  ];
}

/** `schema` with references followed and alternatives laid side by side. */
function choicesOf(root: JsonSchema, schema: JsonSchema): readonly JsonSchema[] {
  const target = schema.$ref === undefined ? schema : (referenced(root, schema.$ref) ?? schema);
  const alternatives = [...(target.anyOf ?? []), ...(target.oneOf ?? []), ...(target.allOf ?? [])];
  return alternatives.length === 0
    ? [target]
    : alternatives.filter(isSchema).flatMap((alternative) => choicesOf(root, alternative));
}

function childrenOf(schema: JsonSchema, part: PropertyKey): readonly JsonSchema[] {
  if (typeof part === "number") return [schema.items].flat().filter(isSchema);
  const own = schema.properties?.[String(part)];
  return [own ?? schema.additionalProperties].filter(isSchema);
}

function referenced(root: JsonSchema, reference: string): JsonSchema | undefined {
  const name = /^#\/\$defs\/(.+)$/.exec(reference)?.[1];
  const found = name === undefined ? undefined : root.$defs?.[name];
  return isSchema(found) ? found : undefined;
}

/** Neither `true` nor `false` nor a list of schemas, which JSON Schema allows in places. */
export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
