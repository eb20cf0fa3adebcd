// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { cut, quoted } from "./cut.ts";
import { nearestName } from "./nearest-name.ts";
import type { ConfigNode, MapEntry } from "./node.ts";
import type { ConfigPath, ConfigProblem, Position } from "./problem.ts";
import type { ReadBudget } from "./read-budget.ts";
import { readText } from "./read-text.ts";
import { type Reference, splitReferences, type TextPart } from "./reference.ts";
import { parseYamlTree } from "./yaml-tree.ts";

/** The environment as a value, so that only the program's entry looks at the real one. */
export type Environment = Readonly<Record<string, string | undefined>>;

const maxExpansions = 1_000;
const maxIncludes = 20;
const secretName = /(?:_key|(?:^|_)(?:tokens?|secret|password|pem))$/i;
const schemes = ["env", "file", "yaml"];

/**
 * Replaces every `${env:NAME}`, `${NAME}`, `${env:NAME:-default}`, `${file:path}` and `${yaml:…}`, and
 * `$$` by `$`. A reference that is the whole value becomes what YAML makes of its text; inside a longer
 * text it stays text. The content of an environment variable or of a file with a single value is data and is
 * not expanded again; a file with a map or a list is config and is expanded. Every failure is reported
 * and leaves a node marked as failed. Never throws.
 */
export function expandNode(
  root: ConfigNode,
  reading: { readonly environment: Environment; readonly budget: ReadBudget },
  report: (problem: ConfigProblem) => void,
): ConfigNode {
  return new Expander(reading, report).expand(root, { path: [], files: [] });
}

interface Place {
  readonly path: ConfigPath;
  /** The files included on the way to here, outermost first, to notice one that includes itself. */
  readonly files: readonly string[];
}

interface TextPlace extends Place {
  readonly at: Position;
}

/** The replacement of a reference: its text, and its file if it comes from one. */
interface Found {
  readonly text: string;
  readonly file?: string;
  readonly isDefault?: true;
}

class Expander {
  readonly #environment: Environment;
  readonly #report: (problem: ConfigProblem) => void;
  readonly #budget: ReadBudget;
  #expansions = 0;
  #isTooLarge = false;

  constructor(
    { environment, budget }: { readonly environment: Environment; readonly budget: ReadBudget },
    report: (problem: ConfigProblem) => void,
  ) {
    this.#environment = environment;
    this.#budget = budget;
    this.#report = report;
  }

  expand(node: ConfigNode, place: Place): ConfigNode {
    switch (node.kind) {
      case "map": {
        const entries = new Map<string, MapEntry>();
        for (const [key, { keyAt, node: value }] of node.entries) {
          entries.set(key, {
            keyAt,
            node: this.expand(value, { ...place, path: [...place.path, key] }),
          });
        }
        return { ...node, entries };
      }
      case "list": {
        const items = node.items.map((item, index) =>
          this.expand(item, { ...place, path: [...place.path, index] }),
        );
        return { ...node, items };
      }
      case "scalar":
        return typeof node.value === "string" && node.value.includes("$")
          ? this.#expandText(node.value, { ...place, at: node.at })
          : node;
      default: {
        const never: never = node;
        return never;
      }
    }
  }

  #expandText(text: string, place: TextPlace): ConfigNode {
    const split = splitReferences(text);
    if (!split.ok) return this.#fail(place, split.message);
    const [only] = split.parts;
    if (split.parts.length === 1 && only !== undefined && typeof only !== "string") {
      const found = this.#find(only, place);
      return found === undefined ? failedAt(place.at) : this.#nodeFrom(found, place);
    }
    const joined = this.#textOf(split.parts, place);
    return joined === undefined
      ? failedAt(place.at)
      : { kind: "scalar", value: joined, at: place.at };
  }

  /** The parts as one text; `undefined` when one of them failed, which is reported. */
  #textOf(parts: readonly TextPart[], place: TextPlace): string | undefined {
    const texts = parts.map((part) =>
      typeof part === "string" ? part : this.#find(part, place)?.text,
    );
    return texts.includes(undefined) ? undefined : texts.join("");
  }

  /** What a reference stands for, as long as everything together is not too large. */
  #find(reference: Reference, place: TextPlace): Found | undefined {
    const found = this.#isTooLarge ? undefined : this.#lookUp(reference, place);
    const excess = found === undefined ? undefined : this.#budget.addText(found.text);
    if (excess === undefined) return found;
    this.#isTooLarge = true;
    this.#fail(place, excess);
    return undefined;
  }

  #lookUp(reference: Reference, place: TextPlace): Found | undefined {
    this.#expansions += 1;
    if (this.#expansions > maxExpansions) {
      if (this.#expansions === maxExpansions + 1) {
        this.#fail(
          place,
          `needs more than ${maxExpansions} expansions; check whether files or references include each other.`,
        );
      }
      return undefined;
    }
    const { name, fallback } = splitDefault(reference.inside);
    const uri = this.#textOf(name, place);
    if (uri === undefined) return undefined;
    const match = /^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s.exec(uri);
    const scheme = match?.[1] ?? "env";
    const rest = match?.[2] ?? uri;
    if (scheme === "env") return this.#findVariable(rest, fallback, place);
    if (scheme !== "file" && scheme !== "yaml") {
      const nearest = nearestName(scheme, schemes);
      const hint = nearest === undefined ? "" : ` Did you mean "${nearest}"?`;
      this.#fail(
        place,
        `uses the unknown scheme "${cut(scheme)}" in \${${cut(uri)}}; use env, file or yaml.${hint}`,
      );
      return undefined;
    }
    const tail = fallback === undefined ? "" : this.#textOf(fallback, place);
    if (tail === undefined) return undefined;
    const whole = fallback === undefined ? rest : `${rest}:-${tail}`;
    return scheme === "yaml" ? { text: whole } : this.#findFile(whole, place);
  }

  #findVariable(
    name: string,
    fallback: readonly TextPart[] | undefined,
    place: TextPlace,
  ): Found | undefined {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      this.#fail(
        place,
        `names the environment variable ${quoted(name)}; a name contains only letters, digits and _ and does not begin with a digit.`,
      );
      return undefined;
    }
    const value = Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
    if (value !== undefined) return { text: value };
    if (fallback !== undefined) {
      const text = this.#textOf(fallback, place);
      return text === undefined ? undefined : { text, isDefault: true };
    }
    const advice = isSecret(place.path, name)
      ? "Set it."
      : `Set it, or write a default: \${env:${cut(name)}:-default}.`;
    this.#fail(place, `needs the environment variable ${cut(name)}, which is not set. ${advice}`);
    return undefined;
  }

  #findFile(path: string, place: TextPlace): Found | undefined {
    const file = isAbsolute(path) ? path : join(dirname(place.at.file), path);
    const read = readText(file);
    if (!read.ok) {
      this.#fail(place, `needs the file ${cut(file, 4_096)}, which cannot be read: ${read.reason}`);
      return undefined;
    }
    // Editors and `echo` end a file with a newline that is not part of a token.
    return { text: read.text.replace(/\r?\n$/, ""), file };
  }

  #nodeFrom(found: Found, place: TextPlace): ConfigNode {
    const { text, file } = found;
    const base = { at: place.at, expandedFrom: text };
    if (text === "" && found.isDefault) return { kind: "scalar", value: "", ...base };
    const tree = parseYamlTree(text, file ?? place.at.file, {
      budget: this.#budget,
      path: place.path,
    });
    if (tree.node === undefined || tree.problems.length > 0) {
      // An invalid YAML file is a mistake. Any other text that is not YAML is plain text.
      if (file === undefined || !/\.(ya?ml|json)$/i.test(basename(file))) {
        return { kind: "scalar", value: text, ...base };
      }
      for (const problem of tree.problems) this.#report(problem);
      return failedAt(place.at);
    }
    if (tree.node.kind === "scalar") return { ...tree.node, ...base };
    if (file === undefined) return { ...movedTo(tree.node, place.at), ...base };
    const absolute = resolve(file);
    if (place.files.includes(absolute))
      return this.#fail(place, `includes ${file}, which includes itself.`);
    if (place.files.length >= maxIncludes) {
      return this.#fail(place, `includes files more than ${maxIncludes} levels deep.`);
    }
    const expanded = this.expand(tree.node, {
      path: place.path,
      files: [...place.files, absolute],
    });
    return { ...expanded, expandedFrom: text };
  }

  #fail(place: TextPlace, message: string): ConfigNode {
    this.#report({ at: place.at, path: place.path, message });
    return failedAt(place.at);
  }
}

/** Divides the inside of a reference at its first `:-`. */
function splitDefault(inside: readonly TextPart[]): {
  readonly name: readonly TextPart[];
  readonly fallback: readonly TextPart[] | undefined;
} {
  for (const [index, part] of inside.entries()) {
    const cut = typeof part === "string" ? part.indexOf(":-") : -1;
    if (typeof part !== "string" || cut < 0) continue;
    return {
      name: [...inside.slice(0, index), part.slice(0, cut)],
      fallback: [part.slice(cut + 2), ...inside.slice(index + 1)],
    };
  }
  return { name: inside, fallback: undefined };
}

function failedAt(at: Position): ConfigNode {
  return { kind: "scalar", value: null, at, failed: true };
}

/** The same values, all with the position of the reference. */
function movedTo(node: ConfigNode, at: Position): ConfigNode {
  switch (node.kind) {
    case "scalar":
      return { ...node, at };
    case "list":
      return { ...node, at, items: node.items.map((item) => movedTo(item, at)) };
    case "map": {
      const moved = [...node.entries].map(
        ([key, entry]) => [key, { keyAt: at, node: movedTo(entry.node, at) }] as const,
      );
      return { ...node, at, entries: new Map(moved) };
    }
    default: {
      const never: never = node;
      return never;
    }
  }
}

/** Whether a variable holds a secret, as the names of the option and of the variable say. A default of one would be in the config for everyone to read. */
function isSecret(path: ConfigPath, variable: string): boolean {
  const [outer, option] = path.filter((step) => typeof step === "string").slice(-2);
  return (
    outer === "headers" || [option ?? outer ?? "", variable].some((name) => secretName.test(name))
  );
}
