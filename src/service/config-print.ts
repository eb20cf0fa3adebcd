import { stringify } from "yaml";
import { z } from "zod";
import { Opaque, redacted } from "../config/opaque.ts";
import type { ServiceConfig } from "./config.ts";
import { sections } from "./config-components.ts";
import { serviceSchema } from "./config-schema.ts";

export interface PrintOptions {
  /** Show secrets as they are instead of `[REDACTED]`. */
  readonly unredacted: boolean;
}

/**
 * The effective config as YAML: all files merged and expanded, every default filled in, units in the
 * notation of the config. Loading it again gives the same config, except for redacted values.
 */
export function printConfig(config: ServiceConfig, options: PrintOptions): string {
  const printed: Record<string, unknown> = {};
  for (const [section, kind] of Object.entries(sections)) {
    const components = config.components.filter((component) => component.kind === kind);
    if (components.length === 0) continue;
    printed[section] = Object.fromEntries(
      components.map(({ id, factory, section: written }) => {
        return [id, writtenForm(factory.schema, factory.schema.parse(written), options)];
      }),
    );
  }
  printed["service"] = withoutUnused(writtenForm(serviceSchema, config.service, options));
  // What expands again must not expand differently: a `$` that came out of `$$` is written as `$$`.
  return stringify(escaped(printed), { lineWidth: 0 });
}

/** `readers` replaces the page of `endpoint`, whose default would look as if it were there. */
function withoutUnused(service: unknown): unknown {
  const telemetry = membersOf(membersOf(service)["telemetry"]);
  const { endpoint: _unused, ...metrics } = membersOf(telemetry["metrics"]);
  return metrics["readers"] === undefined
    ? service
    : { ...membersOf(service), telemetry: { ...telemetry, metrics } };
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function writtenForm<T>(schema: z.ZodType<T>, value: T, options: PrintOptions): unknown {
  const encoded: unknown = z.encode(schema, value);
  return options.unredacted ? encoded : withoutSecrets(encoded, value);
}

/** `encoded` with every leaf redacted that is a secret in `value`; both have the same shape. */
function withoutSecrets(encoded: unknown, value: unknown): unknown {
  if (value instanceof Opaque) return redacted;
  if (typeof encoded !== "object" || encoded === null) return encoded;
  const inner = (key: string | number) =>
    typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
  if (Array.isArray(encoded))
    return encoded.map((item: unknown, index) => withoutSecrets(item, inner(index)));
  return Object.fromEntries(
    Object.entries(encoded).map(([key, item]) => [key, withoutSecrets(item, inner(key))]),
  );
}

function escaped(value: unknown): unknown {
  if (typeof value === "string") return value.replaceAll("$", "$$$$");
  if (Array.isArray(value)) return value.map(escaped);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, escaped(inner)]));
}
