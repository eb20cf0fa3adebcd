// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import type { ConfigNode, MapEntry } from "./node.ts";
import type { ConfigPath, ConfigProblem, Position } from "./problem.ts";
import type { ReadBudget } from "./read-budget.ts";

/** The result of parsing a text. `node` is `undefined` if the text is not YAML; then `problems` has the reason. */
export interface YamlTree {
  readonly node: ConfigNode | undefined;
  readonly problems: readonly ConfigProblem[];
}

const maxDepth = 100;

const tooMany =
  "has more than 20000 values, the most that a config may have, or aliases repeat it too often.";
const tooDeep = "is nested too deeply, or aliases repeat it too often.";

/**
 * Reads one YAML document into nodes with positions. Never throws. Anchors, aliases and `<<` are
 * resolved; a repeated key, a tag and a key that is not a plain name are problems.
 */
export function parseYamlTree(
  text: string,
  file: string,
  { budget, path: at = [] }: { readonly budget: ReadBudget; readonly path?: ConfigPath },
): YamlTree {
  const lines = new LineCounter();
  const positionAt = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const excess = budget.addText(text) ?? excessOf(text);
  if (excess !== undefined) {
    return { node: undefined, problems: [{ at: { file }, path: at, message: excess }] };
  }
  // A repeated key is found below, where its path is known.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
  });
  // Further errors are mostly consequences of the first.
  const first = document.errors[0] ?? document.warnings[0];
  if (first !== undefined) {
    const message = syntaxMessage(first, text);
    return { node: undefined, problems: [{ at: positionAt(first.pos[0]), path: at, message }] };
  }
  const reader = new TreeReader(document, positionAt, budget);
  return { node: reader.read(document.contents, at), problems: reader.problems };
}

/**
 * Why a text cannot be a config; `undefined` if it can. It is asked before the text is parsed, because the parser needs many seconds for
 * such a text, or overflows the stack. Brackets and signs count wherever they are, also in quotes, so the bounds are far above
 * those of values.
 */
function excessOf(text: string): string | undefined {
  let open = 0;
  let neverOpened = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    if (bracket === "[" || bracket === "{") open += 1;
    else if (open > 0) open -= 1;
    else neverOpened += 1;
    if (open > 10 * maxDepth) return tooDeep;
    if (neverOpened > 10 * maxDepth)
      return "is not valid YAML: it closes brackets that it does not open.";
  }
  return hasLongRun(text) ? tooDeep : undefined;
}

/** Whether there are lists in lists on one line, or tags and anchors in a row. */
function hasLongRun(text: string): boolean {
  let run = 0;
  for (const token of text.split(/[ \t]+/)) {
    const line = token.lastIndexOf("\n");
    const last = line < 0 ? token : token.slice(line + 1);
    run = /^(?:[-?:]$|[!&])/.test(last) ? (line < 0 ? run + 1 : 1) : 0;
    if (run >= maxDepth) return true;
  }
  return false;
}

class TreeReader {
  readonly problems: ConfigProblem[] = [];
  readonly #targets: ReadonlyMap<Alias, Node>;
  readonly #positionAt: (offset: number) => Position;
  readonly #budget: ReadBudget;
  #depth = 0;
  #hasTooMany = false;

  constructor(document: Document, positionAt: (offset: number) => Position, budget: ReadBudget) {
    this.#budget = budget;
    this.#targets = aliasTargets(document);
    this.#positionAt = positionAt;
  }

  read(source: unknown, path: ConfigPath, fallback: Position = this.#positionAt(0)): ConfigNode {
    const at = this.#positionOf(source, fallback);
    if (this.#hasTooMany || !this.#budget.addValue() || this.#depth >= maxDepth) {
      if (!this.#hasTooMany) {
        this.#report(at, path, this.#depth >= maxDepth ? tooDeep : tooMany);
      }
      this.#hasTooMany = true;
      return { kind: "scalar", value: null, at, failed: true };
    }
    this.#depth += 1;
    const node = this.#readWithin(source, path, at);
    this.#depth -= 1;
    return node;
  }

  #readWithin(source: unknown, path: ConfigPath, at: Position): ConfigNode {
    if (isAlias(source)) {
      const target = this.#targets.get(source);
      if (target !== undefined) return this.read(target, path, at);
      this.#report(
        at,
        path,
        // Without the name: a password may begin with an asterisk.
        "uses an alias, but there is no anchor of that name before it. Write a text that begins with * in quotes.",
      );
      return { kind: "scalar", value: null, at, failed: true };
    }
    if (isMap(source))
      return { kind: "map", entries: this.#readEntries(source.items, path, at), at };
    if (isSeq(source)) {
      const items = source.items.map((item, index) => this.read(item, [...path, index], at));
      return { kind: "list", items, at };
    }
    const value: unknown = isScalar(source) ? source.value : null;
    if (typeof value === "string" || typeof value === "boolean" || typeof value === "number") {
      return { kind: "scalar", value, at };
    }
    return { kind: "scalar", value: null, at };
  }

  #readEntries(pairs: readonly Pair[], path: ConfigPath, at: Position): Map<string, MapEntry> {
    const entries = new Map<string, MapEntry>();
    const inherited = new Map<string, MapEntry>();
    for (const pair of pairs) {
      const keyAt = this.#positionOf(pair.key, at);
      const key = keyOf(pair.key);
      if (key === undefined) {
        this.#report(keyAt, path, "has a key that is not plain text.");
        continue;
      }
      const node = this.read(pair.value, [...path, key], keyAt);
      if (isMergeKey(pair.key)) {
        for (const [name, entry] of inheritedEntries(node))
          if (!inherited.has(name)) inherited.set(name, entry);
        continue;
      }
      const earlier = entries.get(key);
      if (earlier !== undefined) {
        const message = `is written twice; the first one is on line ${earlier.keyAt.line}. Remove one of them.`;
        this.#report(keyAt, [...path, key], message);
      }
      entries.set(key, { keyAt, node });
    }
    for (const [name, entry] of inherited) if (!entries.has(name)) entries.set(name, entry);
    return entries;
  }

  #positionOf(source: unknown, fallback: Position): Position {
    const range = isYamlNode(source) ? source.range : undefined;
    // A value left empty has no place of its own: point at its key.
    return range && range[1] > range[0] ? this.#positionAt(range[0]) : fallback;
  }

  #report(at: Position, path: ConfigPath, message: string): void {
    this.problems.push({ at, path, message });
  }
}

/** What each alias stands for. Looking for the anchor at each alias would take the square of their number. */
function aliasTargets(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, (_, node) => {
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      if (target !== undefined) targets.set(node, target);
    } else if (isYamlNode(node) && node.anchor !== undefined) {
      anchors.set(node.anchor, node);
    }
  });
  return targets;
}

function isYamlNode(source: unknown): source is Exclude<Node, Alias> | Alias {
  return isScalar(source) || isMap(source) || isSeq(source) || isAlias(source);
}

function isMergeKey(source: unknown): boolean {
  return isScalar(source) && source.value === "<<" && source.type === "PLAIN";
}

function keyOf(source: unknown): string | undefined {
  if (!isScalar(source)) return undefined;
  const { value } = source;
  if (typeof value === "string") return value === "" || value === "__proto__" ? undefined : value;
  if (typeof value === "number" || typeof value === "boolean")
    return source.source ?? String(value);
  return undefined;
}

function inheritedEntries(node: ConfigNode): readonly (readonly [string, MapEntry])[] {
  if (node.kind === "map") return [...node.entries];
  if (node.kind === "list") return node.items.flatMap(inheritedEntries);
  return [];
}

function syntaxMessage(
  error: {
    readonly code: string;
    readonly message: string;
    readonly pos: readonly [number, number];
  },
  text: string,
): string {
  if (error.message.includes("call stack")) return tooDeep;
  const before = text.slice(Math.max(0, error.pos[0] - 1_000), error.pos[0]);
  if (before.endsWith("$") || /\$\{[^}\n]*$/.test(before)) {
    return 'is not valid YAML: inside { } or [ ] a ${…} must stand in quotes, e.g. { key: "${env:NAME}" }.';
  }
  switch (error.code) {
    case "TAB_AS_INDENT":
      return "is not valid YAML: a tab indents this line; indent with spaces.";
    case "MULTIPLE_DOCS":
      return "contains a second YAML document; put it into a file of its own.";
    case "TAG_RESOLVE_FAILED":
      return "has a tag, and tags are not supported. Remove it, or write a text that begins with ! in quotes.";
    default:
      return `is not valid YAML: ${withoutQuotations(error.message)}.`;
  }
}

/** The parser quotes the text, which may be a secret, at the end of its messages. */
function withoutQuotations(message: string): string {
  return message
    .replace(/:\s.*$/s, "")
    .replace(/(?<=escape sequence|directive) .*$/s, "")
    .replace(/\.$/, "");
}
