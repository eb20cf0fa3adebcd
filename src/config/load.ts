import { bareVariables } from "./bare-variable.ts";
import { cut } from "./cut.ts";
import { type Environment, expandNode } from "./expand.ts";
import { mergeNodes } from "./merge-nodes.ts";
import type { ConfigNode, MapNode } from "./node.ts";
import { type ConfigProblem, inReadingOrder } from "./problem.ts";
import { ReadBudget } from "./read-budget.ts";
import { readText, textOf } from "./read-text.ts";
import { parseYamlTree } from "./yaml-tree.ts";

/** The config as written in all files together, before anything is known about its meaning. */
export interface LoadedConfig {
  /** `undefined` when a file could not be read or is not YAML: checking further would only mislead. */
  readonly root: MapNode | undefined;
  readonly problems: readonly ConfigProblem[];
  /** Probable mistakes, which are none for certain. */
  readonly notices?: readonly ConfigProblem[];
  /** The files in the order given, as problems name them. */
  readonly files: readonly string[];
}

/**
 * Reads, merges and expands the config. `sources` are the values of `--config` in their order: a path,
 * `file:path`, `env:NAME` for a variable with the whole config, or config given inline as `yaml:…`, where `a::b: 1` is short for nested maps;
 * and `set:a.b=1` for those of `--set`.
 * Never throws; everything wrong is in `problems`.
 */
export function loadConfig(sources: readonly string[], environment: Environment): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const report = (problem: ConfigProblem) => problems.push(problem);
  if (sources.length > maxSources) {
    report({
      at: undefined,
      path: [],
      message: `There are ${sources.length} --config and --set; a config has at most ${maxSources}.`,
    });
    return { root: undefined, problems, files: [] };
  }
  const budget = new ReadBudget();
  const read = sources.map((source, index) => readSource(source, index, { environment, budget }));
  const files = read.map(({ file }) => file);
  for (const part of read) problems.push(...part.problems);
  const readable = read.map(({ node }) => node).filter((node) => node !== undefined);
  if (sources.length === 0) {
    report({
      at: undefined,
      path: [],
      message: "No config is given. Add --config FILE.",
    });
  }
  if (readable.length < sources.length || sources.length === 0) {
    return { root: undefined, problems: inReadingOrder(problems, files), files };
  }
  if (readable.every(({ entries }) => entries.size === 0)) {
    for (const { file } of read) {
      report({
        at: { file },
        path: [],
        message: "is empty; a config has at least receivers, exporters and service.",
      });
    }
    return { root: undefined, problems: inReadingOrder(problems, files), files };
  }
  const merged = readable.reduce<ConfigNode>(
    (base, over) => mergeNodes(base, over, report),
    emptyMap(files[0] ?? ""),
  );
  const root = expandNode(merged, { environment, budget }, report);
  return {
    root: root.kind === "map" ? root : undefined,
    problems: inReadingOrder(problems, files),
    notices: bareVariables(merged, []),
    files,
  };
}

/** More than anybody writes on a command line. */
const maxSources = 1_000;

/** What a config is read from, and how much of it. */
interface Reading {
  readonly environment: Environment;
  readonly budget: ReadBudget;
}

interface ReadSource {
  readonly file: string;
  readonly node: MapNode | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** The whole config from a variable. */
function readVariable(name: string, source: string, { environment, budget }: Reading): ReadSource {
  const refuse = (message: string): ReadSource => ({
    file: source,
    node: undefined,
    problems: [{ at: { file: source }, path: [], message }],
  });
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return refuse(
      "does not name an environment variable; a name contains only letters, digits and _ and does not begin with a digit.",
    );
  }
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (value === undefined) return refuse(`cannot be read: the variable ${name} is not set.`);
  const read = textOf(Buffer.from(value));
  return read.ok ? readTree(read.text, source, budget) : refuse(`cannot be read: ${read.reason}`);
}

/** A URL may have a password or a token in it. */
function withoutCredentials(source: string): string {
  return source.replace(/\/\/[^/@]*@/, "//").replace(/[?#].*$/s, "");
}

function readSource(source: string, index: number, reading: Reading): ReadSource {
  const { budget } = reading;
  const match = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s.exec(source);
  const scheme = match?.[1];
  const rest = match?.[2] ?? "";
  const refuse = (file: string, message: string): ReadSource => ({
    file,
    node: undefined,
    problems: [{ at: { file }, path: [], message }],
  });
  if (scheme === "yaml") return readInline(rest, inlineName(rest, index), budget);
  if (scheme === "set") {
    const equals = rest.indexOf("=");
    const [key, value] = [rest.slice(0, equals).trim(), rest.slice(equals + 1).trim()];
    return readInline(`${key.replaceAll(".", "::")}: ${value}`, `--set ${cut(key)}`, budget);
  }
  if (scheme === "env") return readVariable(rest, cut(source), reading);
  if (scheme === "http" || scheme === "https") {
    return refuse(
      cut(withoutCredentials(source)),
      `cannot be read: ${scheme}: is not supported, because a config decides what this program sends where. Download it to a file first.`,
    );
  }
  // One letter is a drive of Windows.
  if (scheme !== undefined && scheme !== "file") {
    return refuse(
      cut(withoutCredentials(source)),
      `cannot be read: unsupported scheme "${cut(scheme)}". Give a path, file:PATH, env:NAME or yaml: followed by the config; write ./ in front of a path that contains a colon.`,
    );
  }
  const file = scheme === "file" ? rest.replace(/^\/\/(?=\/)/, "") : source;
  const read = readText(file);
  return read.ok
    ? readTree(read.text, file, budget)
    : refuse(cut(file, 4_096), `cannot be read: ${read.reason}`);
}

/** The key of `a::b: value`, never the value, which may be a secret; the number of the source if it is written otherwise. */
function inlineName(text: string, index: number): string {
  const key = /^[\w./-]+(?:::[\w./-]+)+/.exec(text)?.[0];
  return key === undefined || text.includes("\n")
    ? `<yaml ${index + 1}>`
    : `--config yaml:${cut(key)}`;
}

function readInline(text: string, file: string, budget: ReadBudget): ReadSource {
  const inline = textOf(Buffer.from(text));
  if (!inline.ok) {
    const message = `cannot be read: ${inline.reason}`;
    return { file, node: undefined, problems: [{ at: { file }, path: [], message }] };
  }
  const tree = readTree(inline.text, file, budget);
  if (tree.node === undefined) return tree;
  const node = nested(tree.node);
  if (node !== undefined) return { ...tree, node };
  const message = `has a key of more than ${maxParts} parts; a config is never that deep.`;
  return { file, node, problems: [...tree.problems, { at: { file }, path: [], message }] };
}

function readTree(text: string, file: string, budget: ReadBudget): ReadSource {
  const { node, problems } = parseYamlTree(text, file, { budget });
  if (node === undefined) return { file, node, problems };
  if (node.kind === "map") return { file, node, problems };
  if (node.kind === "scalar" && node.value === null && problems.length === 0) {
    return { file, node: emptyMap(file), problems };
  }
  const isBlankMissing =
    node.kind === "scalar" && typeof node.value === "string" && /^[\w./-]+:\S+$/.test(node.value);
  const message = `must be a map with the sections "receivers", "exporters", "service" and so on.${
    isBlankMissing ? " Write a blank behind the colon between key and value." : ""
  }`;
  return { file, node: undefined, problems: [...problems, { at: node.at, path: [], message }] };
}

/** Takes keys such as `a::b` apart, as the Collector does for inline config. Undefined if one has too many parts. */
function nested(map: MapNode): MapNode | undefined {
  const parts: ConfigNode[] = [];
  for (const [key, { keyAt, node }] of map.entries) {
    const value: ConfigNode | undefined = node.kind === "map" ? nested(node) : node;
    const names = key.split("::");
    if (value === undefined || names.length > maxParts) return undefined;
    parts.push(
      names.reduceRight<ConfigNode>(
        (inner, name) => ({
          kind: "map",
          at: keyAt,
          entries: new Map([[name, { keyAt, node: inner }]]),
        }),
        value,
      ),
    );
  }
  const merged = mergedAll(parts);
  return merged?.kind === "map" ? { ...merged, at: map.at } : map;
}

/** Each merge copies what is there already, so merging one after the other would take the square of their number. */
function mergedAll(nodes: readonly ConfigNode[]): ConfigNode | undefined {
  if (nodes.length < 2) return nodes[0];
  const half = nodes.length >> 1;
  const [first, second] = [mergedAll(nodes.slice(0, half)), mergedAll(nodes.slice(half))];
  return first === undefined || second === undefined
    ? (first ?? second)
    : mergeNodes(first, second, () => {});
}

/** Deeper than any config. */
const maxParts = 100;

function emptyMap(file: string): MapNode {
  return { kind: "map", at: { file, line: 1, column: 1 }, entries: new Map() };
}
