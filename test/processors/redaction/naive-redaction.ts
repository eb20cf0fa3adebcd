import { createHmac } from "node:crypto";
import type { Signal } from "../../../src/otlp/payload.ts";
import type { Config } from "../../../src/processors/redaction/config.ts";
import type { Decoded } from "../../otlp/strict-decoder.ts";

// The rules of the processor over decoded messages, as plainly as possible. Shares nothing with it.

type Mutable = Record<string, unknown>;
interface Entry {
  key: string;
  value: Mutable | undefined;
}
type Rule = Config["rules"][number];
type Outcome = "none" | "keep" | "delete";

type Span = readonly [from: number, to: number];
const detectors: Readonly<Record<string, (written: string) => readonly Span[]>> = {
  session_key: sessionKeysIn,
  email: (written) =>
    [
      ...written.matchAll(
        /[\w.%+-]{1,64}(?:@|%(?:25){0,3}40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}/g,
      ),
    ].map(({ index, 0: match }) => [index, index + match.length]),
};

function sessionKeysIn(written: string): readonly Span[] {
  const found: Span[] = [];
  let after = 0;
  for (const { index, 0: head } of written.matchAll(/agent(?::|%(?:25){0,3}3a)/gi)) {
    const before = written.slice(0, index);
    const isEscaped = /%[0-9a-f]{2}$/i.test(before);
    if (index < after || (/\w$/.test(before) && !isEscaped)) {
      continue;
    }
    let inUrl = head.includes("%") || /[=/]$/.test(before) || isEscaped;
    let to = index + head.length;
    for (; to < written.length; to++) {
      const rest = written.slice(to);
      const [, hex] = /^%([0-9a-f]{2})/i.exec(rest) ?? [];
      const isEnd = /^[\s"'`\\,;<>()[\]{}|&]/;
      inUrl ||= hex !== undefined;
      const isUrlEnd =
        (/^[&#?]/.test(rest) && written[to - 1] !== ":") ||
        /^\/[a-z_-]{0,23}(?:$|[/?#\s"'`\\,;<>()[\]{}|])/.test(rest);
      if (
        /^[\s"'`\\,;<>()[\]{}|]/.test(rest) ||
        (hex !== undefined && isEnd.test(String.fromCharCode(Number.parseInt(hex, 16)))) ||
        (inUrl && isUrlEnd)
      ) {
        break;
      }
    }
    const value = written.slice(index, to).replace(/[.:!?]+$/, "");
    // The id of the agent, a colon, and at least one more part.
    if (/^agent(?::|%(?:25)*3a)[\w.\-\u0080-\uffff]+(?::|%(?:25)*3a)./i.test(value)) {
      after = index + value.length;
      found.push([index, after]);
    }
  }
  return found;
}

/** The request as it must leave. */
export function naivelyRedacted(config: Config, signal: Signal, request: Decoded): unknown {
  const copy = structuredClone(request) as Mutable;
  const parts = { traces: "Spans", logs: "Logs", metrics: "Metrics" }[signal];
  for (const resourcePart of list(copy[`resource${parts}`])) {
    text(config, resourcePart, "schemaUrl", "resource.schema_url");
    attributes(config, resourcePart["resource"], "attributes", "resource");
    for (const scopePart of list(resourcePart[`scope${parts}`])) {
      text(config, scopePart, "schemaUrl", "scope.schema_url");
      const scope = scopePart["scope"] as Mutable | undefined;
      text(config, scope, "name", "scope.name");
      text(config, scope, "version", "scope.version");
      attributes(config, scope, "attributes", "scope");
      for (const span of list(scopePart["spans"])) {
        redactSpan(config, span);
      }
      for (const record of list(scopePart["logRecords"])) {
        redactLog(config, record);
      }
      for (const metric of list(scopePart["metrics"])) {
        redactMetric(config, metric);
      }
    }
  }
  return copy;
}

function redactSpan(config: Config, span: Mutable): void {
  text(config, span, "name", "span.name");
  text(config, span, "traceState", "span.trace_state");
  text(config, span["status"] as Mutable, "message", "span.status.message");
  attributes(config, span, "attributes", "span");
  for (const event of list(span["events"])) {
    text(config, event, "name", "spanevent.name");
    attributes(config, event, "attributes", "spanevent");
  }
  for (const link of list(span["links"])) {
    text(config, link, "traceState", "spanlink.trace_state");
    attributes(config, link, "attributes", "spanlink");
  }
}

function redactLog(config: Config, record: Mutable): void {
  text(config, record, "severityText", "log.severity_text");
  text(config, record, "eventName", "log.event_name");
  attributes(config, record, "attributes", "log");
  const entry: Entry = { key: "", value: record["body"] as Mutable | undefined };
  if (entry.value !== undefined) {
    const rules = config.rules.filter(
      (rule) => isIn(rule, "log.body") && rule.keys.length + rule.key_patterns.length === 0,
    );
    const where = { place: "log.body", level: "body", lists: "all", kept: { any: false } } as const;
    if (apply(config, rules, entry, where)) {
      record["body"] = entry.value;
    } else {
      delete record["body"];
    }
  }
}

function redactMetric(config: Config, metric: Mutable): void {
  text(config, metric, "name", "metric.name");
  text(config, metric, "description", "metric.description");
  text(config, metric, "unit", "metric.unit");
  attributes(config, metric, "metadata", "metric");
  for (const name of ["gauge", "sum", "histogram", "exponentialHistogram", "summary"]) {
    for (const point of list((metric[name] as Mutable | undefined)?.["dataPoints"])) {
      attributes(config, point, "attributes", "datapoint");
      for (const exemplar of list(point["exemplars"])) {
        attributes(config, exemplar, "filteredAttributes", "exemplar");
      }
    }
  }
}

function list(value: unknown): Mutable[] {
  return Array.isArray(value) ? value : [];
}

function isIn(rule: Rule, place: string): boolean {
  return rule.in === undefined || rule.in.some((name) => name === place);
}

function attributes(config: Config, owner: unknown, name: string, place: string): void {
  const holder = owner as Mutable | undefined;
  if (holder !== undefined && Array.isArray(holder[name])) {
    const entries = list(holder[name]);
    const where = { place, level: "attribute", lists: "all", kept: { any: false } } as const;
    put(holder, name, redactEntries(config, entries, where));
  }
}

/** A list that lost all of its items is none. */
function put(holder: Mutable, name: string, items: unknown[]): void {
  if (items.length === 0) {
    delete holder[name];
  } else {
    holder[name] = items;
  }
}

function redactEntries(
  config: Config,
  entries: Mutable[],
  { place, level, lists, kept }: Where,
  outer: Outer = noOuter,
): Mutable[] {
  return entries.flatMap((entry) => {
    const key = String(entry["key"] ?? "");
    if (outer.hashedBy === undefined) {
      if (config.ignored_keys.includes(key)) {
        kept.any = true;
        return [entry];
      }
      if (level !== "nested" && !config.allow_all_keys && !config.allowed_keys.includes(key)) {
        return [];
      }
    }
    const rules = rulesFor(config, place, key, outer);
    const changed: Entry = { key, value: entry["value"] as Mutable | undefined };
    if (!apply(config, rules, changed, { place, level, lists, kept, outer })) {
      return [];
    }
    const rest = withNewKey(config, entry, place, outer);
    if (changed.value !== undefined) {
      rest["value"] = changed.value;
    }
    return [rest];
  });
}

interface Where {
  readonly place: string;
  readonly level: "attribute" | "nested" | "body";
  /** Which of the lists apply. */
  readonly lists: "all" | "blocked keys" | "none";
  /** Whether something in the value was kept, or ignored. */
  readonly kept: { any: boolean };
}

/** What holds for all entries of a map: rules that look for values in all of them, and the rule that keeps them from later ones. */
interface Outer {
  readonly searching: readonly Rule[];
  readonly keptBy: Rule | undefined;
  /** The rule that hashes what those before it leave. */
  readonly hashedBy: Rule | undefined;
}

const noOuter: Outer = { searching: [], keptBy: undefined, hashedBy: undefined };

function rulesFor(
  config: Config,
  place: string,
  key: string,
  { searching, keptBy, hashedBy }: Outer,
): readonly Rule[] {
  const decidedBy = hashedBy ?? keptBy;
  const before =
    decidedBy === undefined ? config.rules : config.rules.slice(0, config.rules.indexOf(decidedBy));
  const matching = before.filter(
    (rule) =>
      isIn(rule, place) &&
      (searching.includes(rule) ||
        rule.keys.length + rule.key_patterns.length === 0 ||
        rule.keys.includes(key) ||
        rule.key_patterns.some((pattern) => new RegExp(pattern).test(key))),
  );
  return hashedBy === undefined ? matching : [...matching, hashedBy];
}

/** An entry whose key has lost what rules detect in it. */
function withNewKey(
  config: Config,
  entry: Mutable,
  place: string,
  outer: Outer = noOuter,
): Mutable {
  if (entry["key"] === undefined) {
    return { ...entry };
  }
  const key = String(entry["key"]);
  const rules = rulesFor(config, place, key, outer.hashedBy === undefined ? outer : noOuter);
  const kept = rules.findIndex(
    (rule) => rule.action === "keep" && rule.values.length + rule.detect.length === 0,
  );
  const detecting = (kept < 0 ? rules : rules.slice(0, kept)).filter(
    (rule) =>
      rule.keys.length + rule.key_patterns.length + rule.values.length === 0 &&
      rule.detect.length > 0 &&
      (rule.action === "hash" || rule.action === "mask"),
  );
  return { ...entry, key: spliced(config, detecting, key).text };
}

/** Applies rules that match the key. False if the entry goes. */
function apply(
  config: Config,
  rules: readonly Rule[],
  entry: Entry,
  { outer = noOuter, ...where }: Where & { readonly outer?: Outer },
): boolean {
  const wholeAt = rules.findIndex((rule) => rule.values.length + rule.detect.length === 0);
  const whole = rules[wholeAt];
  const before = wholeAt < 0 ? rules : rules.slice(0, wholeAt);
  where.kept.any ||= whole?.action === "keep";
  if (whole === undefined || whole.action === "keep") {
    const isBlocked = config.blocked_key_patterns.some((pattern) =>
      new RegExp(pattern).test(entry.key),
    );
    return (
      entry.value === undefined ||
      inside(config, before, entry.value, {
        ...where,
        lists: whole === undefined ? where.lists : "none",
        isBlocked,
        outer: {
          searching: before.filter(hasKeys),
          keptBy: whole ?? outer.keptBy,
          hashedBy: undefined,
        },
      })
    );
  }
  const deciding = before.filter(({ action }) => action === "delete" || action === "keep");
  const searched = deciding.some(({ action }) => action === "keep") ? before : deciding;
  if (entry.value !== undefined && isScalar(entry.value)) {
    const copy = structuredClone(entry.value);
    const outcome = byRules(config, searched, copy);
    if (outcome === "delete") {
      return false;
    }
    if (outcome === "keep") {
      where.kept.any = true;
      entry.value = copy; // What was found before it was kept stays found.
      return true;
    }
  }
  if (whole.action === "delete") {
    return false;
  }
  if (whole.action === "mask") {
    entry.value = { stringValue: mask(config) };
    return true;
  }
  if (entry.value !== undefined) {
    hashInside(config, rules.slice(0, wholeAt + 1), entry, where);
  }
  return true;
}

/** Hashes a value: in arrays and maps what the rules before the last one leave. */
function hashInside(config: Config, rules: readonly Rule[], entry: Entry, where: Where): void {
  const value = entry.value ?? {};
  const array = value["arrayValue"] as Mutable | undefined;
  const map = value["kvlistValue"] as Mutable | undefined;
  const below = { ...where, lists: "none" as const };
  if (array !== undefined) {
    const items = list(array["values"]).flatMap((item) => {
      const changed: Entry = { key: "", value: item };
      return apply(config, rules, changed, below) ? [changed.value] : [];
    });
    put(array, "values", items);
  } else if (map !== undefined) {
    const outer = {
      searching: rules.slice(0, -1).filter(hasKeys),
      keptBy: undefined,
      hashedBy: rules.at(-1),
    };
    const level = where.level === "attribute" ? "nested" : where.level;
    put(map, "values", redactEntries(config, list(map["values"]), { ...below, level }, outer));
  } else {
    entry.value = hashedScalar(config, value);
  }
}

interface Inside extends Where {
  readonly isBlocked: boolean;
  /** For the entries of a map in it. */
  readonly outer: Outer;
}

function hasKeys(rule: Rule): boolean {
  return rule.keys.length + rule.key_patterns.length > 0;
}

const scalars = ["stringValue", "bytesValue", "intValue", "boolValue", "doubleValue"];

function isScalar(value: Mutable): boolean {
  return scalars.some((name) => value[name] !== undefined);
}

/** What the rules make of a text, a number or bytes. */
function byRules(config: Config, rules: readonly Rule[], value: Mutable): Outcome {
  const { stringValue, bytesValue } = value;
  if (typeof stringValue === "string") {
    const { text: rest, outcome } = spliced(config, rules, stringValue);
    value["stringValue"] = rest;
    return outcome;
  }
  if (typeof bytesValue === "string") {
    const written = Buffer.from(bytesValue, "hex").toString("latin1");
    const { text: rest, outcome } = spliced(config, rules, written);
    value["bytesValue"] = Buffer.from(rest, "latin1").toString("hex");
    return outcome;
  }
  if (!config.redact_all_types || rules.every(({ values }) => values.length === 0)) {
    return "none";
  }
  const written = asText(value);
  const { text: rest, outcome } = spliced(config, rules, written);
  if (rest !== written) {
    replaceBy(value, rest);
  }
  return outcome;
}

function isAllowedText(config: Config, written: string): boolean {
  return config.allowed_values.some((pattern) => new RegExp(pattern).test(written));
}

/** False if the value goes. */
function inside(config: Config, rules: readonly Rule[], value: Mutable, where: Inside): boolean {
  const { level, lists, isBlocked } = where;
  const hasValues = config.blocked_values.length + config.allowed_values.length > 0;
  const isListed = lists !== "none" && (isBlocked || (lists === "all" && hasValues));
  const isWritten =
    typeof value["stringValue"] === "string" ||
    (level === "body" ? !isBlocked && isScalar(value) : config.redact_all_types);
  const written = isWritten ? asText(value) : "";
  const isAllowed = !(level === "body" && isBlocked) && isAllowedText(config, written);
  if (isScalar(value)) {
    const outcome = byRules(config, rules, value);
    where.kept.any ||= outcome === "keep";
    if (outcome === "none" && isListed && !isAllowed) {
      const left = asText(value);
      const masked = isWritten && !isBlocked ? blocked(config, left) : left;
      if (isBlocked || masked !== left) {
        replaceBy(value, isBlocked ? mask(config) : masked);
      }
    }
    return outcome !== "delete";
  }
  const isWhole = isListed && (level === "attribute" || isBlocked);
  if (isWhole && isAllowed && level !== "body") {
    return insideItems(config, rules, value, { ...where, lists: "none" });
  }
  if (isWhole && isBlocked) {
    replaceBy(value, mask(config));
    return true;
  }
  if (isWhole && isWritten) {
    const copy = structuredClone(value);
    const kept = { any: false };
    insideItems(config, rules, copy, { ...where, lists: "blocked keys", kept });
    const left = asText(copy);
    if (blocked(config, left) !== left && !kept.any) {
      replaceBy(value, blocked(config, left));
      return true;
    }
  }
  return insideItems(config, rules, value, where);
}

function insideItems(
  config: Config,
  rules: readonly Rule[],
  value: Mutable,
  where: Inside,
): boolean {
  const below = {
    ...where,
    level: where.level === "attribute" ? ("nested" as const) : where.level,
  };
  const array = value["arrayValue"] as Mutable | undefined;
  if (array !== undefined && Array.isArray(array["values"])) {
    put(
      array,
      "values",
      list(array["values"]).filter((item) => inside(config, rules, item, below)),
    );
  }
  const map = value["kvlistValue"] as Mutable | undefined;
  if (map !== undefined && Array.isArray(map["values"])) {
    put(map, "values", redactEntries(config, list(map["values"]), below, where.outer));
  }
  return true;
}

/** As the Collector writes a value. */
function asText(value: Mutable): string {
  const { stringValue } = value;
  if (typeof stringValue === "string") {
    return stringValue;
  }
  const json = jsonOf(value);
  return typeof value["bytesValue"] === "string" ? JSON.parse(json) : json === "null" ? "" : json;
}

function jsonOf(value: Mutable): string {
  const [name, content] = Object.entries(value).find(([each]) => !each.startsWith("?")) ?? ["", ""];
  const go = (written: string) =>
    JSON.stringify(written).replaceAll(
      /[<>&]/g,
      (each) => `\\u00${each.charCodeAt(0).toString(16)}`,
    );
  switch (name) {
    case "":
      return "null";
    case "stringValue":
      return go(String(content));
    case "bytesValue":
      return go(Buffer.from(String(content), "hex").toString("base64"));
    case "arrayValue":
      return `[${list((content as Mutable)["values"])
        .map(jsonOf)
        .join()}]`;
    case "kvlistValue": {
      const entries = new Map(
        list((content as Mutable)["values"]).map((entry) => [
          String(entry["key"] ?? ""),
          jsonOf((entry["value"] ?? {}) as Mutable),
        ]),
      );
      const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
      return `{${sorted.map(([key, each]) => `${go(key)}:${each}`).join()}}`;
    }
    default:
      return scalarText(name, content);
  }
}

function replaceBy(value: Mutable, written: string): void {
  for (const name of Object.keys(value)) {
    delete value[name];
  }
  value["stringValue"] = written;
}

function blocked(config: Config, written: string): string {
  return config.blocked_values.reduce(
    (rest, pattern) =>
      rest.replace(new RegExp(pattern, "g"), (match) => (match === "" ? "" : mask(config))),
    written,
  );
}

function mask(config: Config): string {
  return config.masking_string || "****";
}

function scalarText(name: string, value: unknown): string {
  if (name === "intValue") {
    return String(BigInt.asIntN(64, BigInt(String(value))));
  }
  if (name === "boolValue") {
    return String(String(value) !== "0");
  }
  const bytes = String(value).split(",").map(Number);
  return String(Buffer.from(bytes).readDoubleLE());
}

function hash(config: Config, written: string, encoding: "utf8" | "latin1" = "utf8"): string {
  const isInUrl = /^agent(?::|%(?:25)*3a)/i.test(written);
  return createHmac("sha256", config.hmac_key?.reveal() ?? "")
    .update(isInUrl ? decodeURIComponent(decodeURIComponent(written)) : written, encoding)
    .digest("hex")
    .slice(0, 12);
}

function hashedScalar(config: Config, value: Mutable): Mutable {
  const [name, content] = Object.entries(value).find(([each]) => !each.startsWith("?")) ?? ["", ""];
  if (name === "" || content === "") {
    return value;
  }
  switch (name) {
    case "stringValue":
      return { stringValue: hash(config, String(content)) };
    case "bytesValue": {
      const written = Buffer.from(String(content), "hex").toString("latin1");
      return { stringValue: hash(config, written, "latin1") };
    }
    default:
      return { stringValue: hash(config, scalarText(name, content)) };
  }
}

function text(config: Config, holder: Mutable | undefined, name: string, place: string): void {
  const written = holder?.[name];
  if (holder === undefined || typeof written !== "string" || written === "") {
    return;
  }
  const rules = config.rules.filter(
    (rule) => isIn(rule, place) && rule.keys.length + rule.key_patterns.length === 0,
  );
  const wholeAt = rules.findIndex((rule) => rule.values.length + rule.detect.length === 0);
  const whole = rules[wholeAt];
  const before = wholeAt < 0 ? rules : rules.slice(0, wholeAt);
  const { text: rest, outcome } = spliced(config, before, written);
  if (outcome === "delete" || (outcome === "none" && whole?.action === "delete")) {
    delete holder[name];
  } else if (outcome === "none" && whole !== undefined && whole.action !== "keep") {
    holder[name] = whole.action === "hash" ? hash(config, written) : mask(config);
  } else {
    holder[name] = rest;
  }
}

/** Replaces what rules find, up to the first that keeps or deletes. */
function spliced(
  config: Config,
  rules: readonly Rule[],
  written: string,
): { text: string; outcome: Outcome } {
  const found: { rule: number; from: number; to: number }[] = [];
  let outcome: Outcome = "none";
  for (const [index, rule] of rules.entries()) {
    const matches = [
      ...rule.values.flatMap((pattern) =>
        [...written.matchAll(new RegExp(pattern, "g"))].map(
          ({ index: from, 0: match }): Span => [from, from + match.length],
        ),
      ),
      ...rule.detect.flatMap((kind) => detectors[kind]!(written)),
    ];
    if (matches.length === 0) {
      continue;
    }
    if (rule.action === "keep" || rule.action === "delete") {
      outcome = rule.action;
      break;
    }
    for (const [from, to] of matches) {
      found.push({ rule: index, from, to });
    }
  }
  found.sort((a, b) => a.from - b.from);
  const merged: typeof found = [];
  for (const range of found) {
    const last = merged.at(-1);
    if (last !== undefined && range.from < last.to) {
      last.to = Math.max(last.to, range.to);
      last.rule = Math.min(last.rule, range.rule);
    } else {
      merged.push({ ...range });
    }
  }
  let rest = "";
  let from = 0;
  for (const range of merged) {
    const part = written.slice(range.from, range.to);
    rest += written.slice(from, range.from);
    rest += rules[range.rule]?.action === "hash" ? hash(config, part) : mask(config);
    from = range.to;
  }
  return { text: rest + written.slice(from), outcome };
}
