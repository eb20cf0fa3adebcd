import { bareVariables } from "./bare-variable.ts";
import { type Environment, expandNode } from "./expand.ts";
import { mergeNodes } from "./merge-nodes.ts";
import type { ConfigNode, MapEntry, MapNode } from "./node.ts";
import { type ConfigProblem, inReadingOrder } from "./problem.ts";
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
  const read = sources.map((source, index) => readSource(source, index, environment));
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
  const root = expandNode(merged, environment, report);
  return {
    root: root.kind === "map" ? root : undefined,
    problems: inReadingOrder(problems, files),
    notices: bareVariables(merged, []),
    files,
  };
}

interface ReadSource {
  readonly file: string;
  readonly node: MapNode | undefined;
  readonly problems: readonly ConfigProblem[];
}

/** The whole config from a variable. */
function readVariable(name: string, source: string, environment: Environment): ReadSource {
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
  return read.ok ? readTree(read.text, source) : refuse(`cannot be read: ${read.reason}`);
}

/** A URL may have a password or a token in it. */
function withoutCredentials(source: string): string {
  return source.replace(/\/\/[^/@]*@/, "//").replace(/[?#].*$/s, "");
}

function readSource(source: string, index: number, environment: Environment): ReadSource {
  const match = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s.exec(source);
  const scheme = match?.[1];
  const rest = match?.[2] ?? "";
  const refuse = (file: string, message: string): ReadSource => ({
    file,
    node: undefined,
    problems: [{ at: { file }, path: [], message }],
  });
  if (scheme === "yaml") return readInline(rest, inlineName(rest, index));
  if (scheme === "set") {
    const equals = rest.indexOf("=");
    const [key, value] = [rest.slice(0, equals).trim(), rest.slice(equals + 1).trim()];
    return readInline(`${key.replaceAll(".", "::")}: ${value}`, `--set ${key}`);
  }
  if (scheme === "env") return readVariable(rest, source, environment);
  if (scheme === "http" || scheme === "https") {
    return refuse(
      withoutCredentials(source),
      `cannot be read: ${scheme}: is not supported, because a config decides what this program sends where. Download it to a file first.`,
    );
  }
  // One letter is a drive of Windows.
  if (scheme !== undefined && scheme !== "file") {
    return refuse(
      withoutCredentials(source),
      `cannot be read: unsupported scheme "${scheme}". Give a path, file:PATH, env:NAME or yaml: followed by the config; write ./ in front of a path that contains a colon.`,
    );
  }
  const file = scheme === "file" ? rest.replace(/^\/\/(?=\/)/, "") : source;
  const read = readText(file);
  return read.ok ? readTree(read.text, file) : refuse(file, `cannot be read: ${read.reason}`);
}

/** The key of `a::b: value`, never the value, which may be a secret; the number of the source if it is written otherwise. */
function inlineName(text: string, index: number): string {
  const key = /^[\w./-]+(?:::[\w./-]+)+/.exec(text)?.[0];
  return key === undefined || text.includes("\n") ? `<yaml ${index + 1}>` : `--config yaml:${key}`;
}

function readInline(text: string, file: string): ReadSource {
  const inline = textOf(Buffer.from(text));
  if (!inline.ok) {
    const message = `cannot be read: ${inline.reason}`;
    return { file, node: undefined, problems: [{ at: { file }, path: [], message }] };
  }
  const tree = readTree(inline.text, file);
  return tree.node === undefined ? tree : { ...tree, node: nested(tree.node) };
}

function readTree(text: string, file: string): ReadSource {
  const { node, problems } = parseYamlTree(text, file);
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

/** Takes keys such as `a::b` apart, as the Collector does for inline config. */
function nested(map: MapNode): MapNode {
  let result: ConfigNode = { ...map, entries: new Map<string, MapEntry>() };
  for (const [key, { keyAt, node }] of map.entries) {
    const value: ConfigNode = node.kind === "map" ? nested(node) : node;
    const one = key.split("::").reduceRight<ConfigNode>(
      (inner, part) => ({
        kind: "map",
        at: keyAt,
        entries: new Map([[part, { keyAt, node: inner }]]),
      }),
      value,
    );
    result = mergeNodes(result, one, () => {});
  }
  return result.kind === "map" ? result : map;
}

function emptyMap(file: string): MapNode {
  return { kind: "map", at: { file, line: 1, column: 1 }, entries: new Map() };
}
