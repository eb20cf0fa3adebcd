import { isSchema, type JsonSchema, schemasAt } from "../../src/config/json-schema.ts";

/** One row of a reference: an option as the user writes it. */
export interface OptionRow {
  /** Dotted below the component, e.g. `protocols.http.endpoint`. */
  readonly key: string;
  readonly type: string;
  /** The default as in YAML; `required`; or empty if there is no default. */
  readonly default: string;
  readonly description: string;
}

/** Every option of a section, parents before their children. */
export function optionRows(schema: JsonSchema): readonly OptionRow[] {
  return rowsBelow(schema, schema, []);
}

function rowsBelow(
  root: JsonSchema,
  schema: JsonSchema,
  path: readonly string[],
): readonly OptionRow[] {
  const maps = schemasAt(root, keysOf(path)).filter((choice) => choice.properties !== undefined);
  const [map] = maps.length > 0 ? maps : [schema];
  return Object.entries(map?.properties ?? {}).flatMap(([key, child]) => {
    if (typeof child === "boolean" || child.not !== undefined) return [];
    const isList = child.type === "array" && hasProperties(child.items);
    const childPath = [...path, isList ? `${key}[]` : key];
    const children = rowsBelow(root, isList ? asSchema(child.items) : child, childPath);
    const isRequired = map?.required?.includes(key) === true;
    const row = {
      key: childPath.join("."),
      type: typeOf(child),
      default: isRequired ? "required" : defaultOf(child),
      description: child.description ?? "",
    };
    return children.length > 0 && row.description === "" ? children : [row, ...children];
  });
}

/** The path in the form of `schemasAt`. */
function keysOf(path: readonly string[]): readonly PropertyKey[] {
  return path.flatMap((part) => (part.endsWith("[]") ? [part.slice(0, -2), 0] : [part]));
}

function hasProperties(schema: unknown): boolean {
  return asSchema(schema).properties !== undefined;
}

function asSchema(schema: unknown): JsonSchema {
  return isSchema(schema) ? schema : {};
}

function typeOf(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.enum !== undefined)
    return schema.enum.map((value) => `\`${value === "" ? '""' : value}\``).join(", ");
  if (schema.const !== undefined) return `\`${schema.const}\``;
  const alternatives = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].map(asSchema);
  if (alternatives.length > 0) {
    const types = alternatives.filter(({ type }) => type !== "null").map(typeOf);
    return [...new Set(types)].join(" or ");
  }
  switch (schema.type) {
    case "string":
      return "text";
    case "integer":
      return `whole number${rangeOf(schema)}`;
    case "number":
      return `number${rangeOf(schema)}`;
    case "boolean":
      return "`true`, `false`";
    case "array":
      return `list of ${typeOf(asSchema(schema.items))}`;
    default:
      return hasAnyKeys(schema) ? `map of ${typeOf(asSchema(schema.additionalProperties))}` : "map";
  }
}

function hasAnyKeys(schema: JsonSchema): boolean {
  return typeof schema.additionalProperties === "object" && schema.properties === undefined;
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  // zod bounds whole numbers by the precision of a double, which is of no use to a reader.
  const low = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `${minimum}` : undefined;
  const high =
    maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `${maximum}` : undefined;
  if (low !== undefined && high !== undefined) return `, ${low} to ${high}`;
  if (low !== undefined) return `, at least ${low}`;
  return high === undefined ? "" : `, at most ${high}`;
}

function defaultOf(schema: JsonSchema): string {
  const value = schema.default;
  if (value === undefined || schema.properties !== undefined) return "";
  if (Array.isArray(value))
    return `\`[${value.map((item) => (item === "" ? '""' : String(item))).join(", ")}]\``;
  if (typeof value === "object" && value !== null) {
    return Object.keys(value).length === 0 ? "`{}`" : `\`${JSON.stringify(value)}\``;
  }
  return `\`${value === "" ? '""' : String(value)}\``;
}
