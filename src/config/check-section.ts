import type { z } from "zod";
import { issueWords } from "./issue-words.ts";
import { findingsOf, type MissingKey } from "./issues.ts";
import { type JsonSchema, writtenSchemaOf } from "./json-schema.ts";
import { type ConfigNode, nodeAt, plainValueOf, positionOf } from "./node.ts";
import { redacted } from "./opaque.ts";
import type { ConfigPath, ConfigProblem } from "./problem.ts";

/** The result of checking a section. */
export type CheckedSection<C> =
  | {
      readonly ok: true;
      /** The parsed section, with units converted and defaults filled in. */
      readonly value: C;
      /** The section as the user wrote it after expansion, in the form the schema reads. */
      readonly section: unknown;
    }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

// Each round repairs at least one value, so this is a bound on a schema that contradicts itself.
const maxRounds = 1_000;

/**
 * Checks the section at `path` of the config against its schema and reports every problem at once,
 * each where it was written. An empty value means "the defaults": an empty map where a map is wanted,
 * else as if the key were not there. Where text is wanted, a whole-value expansion gives its raw text.
 * `missingKey` knows what to say of keys that the schema does not have.
 */
export function checkSection<C>(
  schema: z.ZodType<C>,
  root: ConfigNode,
  path: ConfigPath,
  missingKey?: MissingKey,
): CheckedSection<C> {
  const draft = { section: sectionAt(root, path) };
  for (let round = 0; round < maxRounds; round += 1) {
    const result = schema.safeParse(draft.section, { error: issueWords, reportInput: true });
    if (result.success) return { ok: true, value: result.data, section: draft.section };
    const repairs = result.error.issues.flatMap((issue) =>
      repairsFor(issue, [], { root, path, section: draft.section }),
    );
    if (repairs.length > 0) {
      draft.section = repaired(draft.section, treeOf(repairs));
      continue;
    }
    const failed = failedPaths(nodeAt(root, path), []);
    const problems = findingsOf(result.error.issues, knownSchemaOf(schema), missingKey)
      .filter((finding) => !failed.some((above) => startsWith(finding.path, above)))
      .filter(
        (finding) =>
          finding.isOfSeveral !== true || !failed.some((below) => startsWith(below, finding.path)),
      )
      .map(({ path: inside, message, atKey }) => {
        const whole = [...path, ...inside];
        const shown = withoutExpanded(message, nodeAt(root, whole));
        return { at: positionOf(root, whole, { atKey }), path: whole, message: shown };
      });
    return { ok: false, problems };
  }
  throw new Error("A schema refuses both a value and its own default.");
}

/** Nobody has such a password. */
const quantity = /^-?[0-9.]{1,8} ?[A-Za-z%]{0,3}$/;
/** As much of a value as a message quotes. */
const longestQuotation = 60;

/** A message without the value of a variable or a file, which may be a secret that was put into the wrong place. */
function withoutExpanded(message: string, node: ConfigNode | undefined): string {
  const text = node?.expandedFrom;
  if (text === undefined || text.length < 2 || quantity.test(text)) {
    return message;
  }
  const quotations = [text, text.trim(), text.slice(0, longestQuotation)].flatMap((each) => [
    JSON.stringify(each).slice(1, -1),
    each,
  ]);
  return quotations.reduce((shown, each) => shown.replaceAll(each, redacted), message);
}

/** One for each schema of the program. To write one takes longer than all the rest of a check. */
const knownSchemas = new WeakMap<z.ZodType, JsonSchema>();

function knownSchemaOf(schema: z.ZodType): JsonSchema {
  const known = knownSchemas.get(schema) ?? writtenSchemaOf(schema);
  knownSchemas.set(schema, known);
  return known;
}

function sectionAt(root: ConfigNode, path: ConfigPath): unknown {
  const node = nodeAt(root, path);
  const value = node === undefined ? undefined : plainValueOf(node);
  return value === null || value === undefined ? {} : value;
}

interface Repair {
  readonly path: ConfigPath;
  /** `undefined` removes the key. */
  readonly value: unknown;
}

interface Draft {
  readonly root: ConfigNode;
  readonly path: ConfigPath;
  readonly section: unknown;
}

function repairsFor(issue: z.core.$ZodIssue, above: ConfigPath, draft: Draft): readonly Repair[] {
  const path = [
    ...above,
    ...issue.path.map((part) => (typeof part === "number" ? part : String(part))),
  ];
  const value = valueAt(draft.section, path);
  const raw = nodeAt(draft.root, [...draft.path, ...path])?.expandedFrom;
  if (issue.code === "invalid_union") {
    const inner = issue.errors.flatMap((errors) =>
      errors.flatMap((one) => repairsFor(one, path, draft)),
    );
    // Of several repairs for one value, choose the one that keeps it.
    const kept = inner.filter((repair) => repair.value !== undefined);
    return (kept.length > 0 ? kept : inner).slice(0, 1);
  }
  if (
    issue.code === "invalid_type" &&
    issue.expected === "string" &&
    raw !== undefined &&
    raw !== value
  ) {
    return [{ path, value: raw }];
  }
  if (
    issue.code === "invalid_value" &&
    raw !== undefined &&
    raw !== value &&
    issue.values.includes(raw)
  ) {
    return [{ path, value: raw }];
  }
  if (value !== null) return [];
  if (issue.code === "invalid_type") {
    if (issue.expected === "object" || issue.expected === "record") return [{ path, value: {} }];
    return dropped(path);
  }
  return issue.code === "invalid_value" || issue.code === "custom" ? dropped(path) : [];
}

/** An empty value in a list has a position of its own and cannot be removed. */
function dropped(path: ConfigPath): readonly Repair[] {
  return typeof path.at(-1) === "string" ? [{ path, value: undefined }] : [];
}

/** Repairs by the keys of their paths: one walk makes them all. */
interface RepairTree {
  readonly below: Map<string | number, RepairTree>;
  repair: Repair | undefined;
}

function treeOf(repairs: readonly Repair[]): RepairTree {
  const root: RepairTree = { below: new Map(), repair: undefined };
  for (const repair of repairs) {
    let tree = root;
    for (const part of repair.path) {
      const next = tree.below.get(part) ?? { below: new Map(), repair: undefined };
      tree.below.set(part, next);
      tree = next;
    }
    tree.repair = repair;
  }
  return root;
}

function repaired(section: unknown, { below, repair }: RepairTree): unknown {
  if (repair !== undefined) return repair.value;
  if (Array.isArray(section)) {
    return section.map((item: unknown, index) => {
      const tree = below.get(index);
      return tree === undefined ? item : repaired(item, tree);
    });
  }
  if (typeof section !== "object" || section === null) return section;
  return Object.fromEntries(
    Object.entries(section).flatMap(([key, value]) => {
      const tree = below.get(key);
      if (tree === undefined) return [[key, value] as const];
      return tree.repair !== undefined && tree.repair.value === undefined
        ? []
        : [[key, repaired(value, tree)] as const];
    }),
  );
}

function valueAt(section: unknown, path: ConfigPath): unknown {
  let value = section;
  for (const part of path) {
    value = typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined;
  }
  return value;
}

function failedPaths(node: ConfigNode | undefined, path: ConfigPath): readonly ConfigPath[] {
  if (node === undefined) return [];
  if (node.failed) return [path];
  switch (node.kind) {
    case "scalar":
      return [];
    case "list":
      return node.items.flatMap((item, index) => failedPaths(item, [...path, index]));
    case "map":
      return [...node.entries].flatMap(([key, entry]) => failedPaths(entry.node, [...path, key]));
    default: {
      const never: never = node;
      return never;
    }
  }
}

function startsWith(path: ConfigPath, above: ConfigPath): boolean {
  return above.every((part, index) => path[index] === part);
}
