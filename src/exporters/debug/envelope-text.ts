import type { otlp } from "../../otlp/proto/generated.js";
import { attributeLines, inlineAttributes, printable } from "./values-text.ts";

/** The structure that the requests of all signals share: records of scopes of resources. */
export interface ResourceGroup<R> {
  readonly resource: otlp.Resource.$Properties | null | undefined;
  readonly schemaUrl: string | null | undefined;
  readonly scopes: readonly ScopeGroup<R>[];
}

export interface ScopeGroup<R> {
  readonly scope: otlp.InstrumentationScope.$Properties | null | undefined;
  readonly schemaUrl: string | null | undefined;
  readonly records: readonly R[] | null | undefined;
}

/** How the records of a signal are written. */
export interface RecordText<R> {
  /** E.g. `ResourceSpans`, `ScopeSpans`, `Span`. */
  readonly names: { readonly resource: string; readonly scope: string; readonly record: string };
  /** One line per record or data point. */
  readonly normal: (record: R) => readonly string[];
  /** The whole record, without a heading. */
  readonly detailed: (record: R) => readonly string[];
}

/** One heading per resource and scope, and a line per record. */
export function normalText<R>(groups: readonly ResourceGroup<R>[], text: RecordText<R>): string {
  const { names, normal } = text;
  const lines: string[] = [];
  for (const [r, { resource, schemaUrl, scopes }] of groups.entries()) {
    lines.push(
      `${names.resource} #${r}${inBrackets(schemaUrl)}${inlineAttributes(resource?.attributes)}`,
    );
    for (const [s, group] of scopes.entries()) {
      lines.push(
        `${names.scope} #${s}${scopeName(group.scope)}${inBrackets(group.schemaUrl)}${inlineAttributes(group.scope?.attributes)}`,
      );
      for (const line of (group.records ?? []).flatMap(normal)) {
        lines.push(line);
      }
    }
  }
  return [...lines, ""].join("\n");
}

/** The whole content of the request. */
export function detailedText<R>(groups: readonly ResourceGroup<R>[], text: RecordText<R>): string {
  const lines = groups.flatMap(({ resource, schemaUrl, scopes }, r) => [
    `${text.names.resource} #${r}`,
    `Resource SchemaURL: ${printable(schemaUrl ?? "")}`,
    ...attributeLines("Resource attributes", resource?.attributes),
    ...scopes.flatMap((group, s) => [
      `${text.names.scope} #${s}`,
      `${text.names.scope} SchemaURL: ${printable(group.schemaUrl ?? "")}`,
      `InstrumentationScope ${printable(`${group.scope?.name ?? ""} ${group.scope?.version ?? ""}`.trim())}`.trimEnd(),
      ...attributeLines("InstrumentationScope attributes", group.scope?.attributes),
      ...(group.records ?? []).flatMap((record, n) => [
        `${text.names.record} #${n}`,
        ...text.detailed(record),
      ]),
    ]),
  ]);
  return [...lines, ""].join("\n");
}

function scopeName(scope: otlp.InstrumentationScope.$Properties | null | undefined): string {
  const name = scope?.name ? ` ${printable(scope.name)}` : "";
  return scope?.version ? `${name}@${printable(scope.version)}` : name;
}

function inBrackets(text: string | null | undefined): string {
  return text ? ` [${printable(text)}]` : "";
}
