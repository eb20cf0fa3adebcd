import type { Series } from "./metric-series.ts";

export type FamilyType = "counter" | "gauge" | "histogram" | "summary";

/** The series under one name. */
export class Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly help: string;
  /** By the text of their labels. */
  readonly series = new Map<string, Series>();
  /** Takes what has no series of its own. */
  overflow: Series | undefined;

  constructor(name: string, type: FamilyType, help: string) {
    this.name = name;
    this.type = type;
    this.help = help;
  }

  *all(): Generator<Series> {
    yield* this.series.values();
    if (this.overflow !== undefined) {
      yield this.overflow;
    }
  }

  get isEmpty(): boolean {
    return this.series.size === 0 && this.overflow === undefined;
  }
}

/**
 * The families of a page. The first metric with a name decides its type and its help, as long as one of its series lives. Two families
 * never share the name of a line, so that a page is valid whatever is sent: a histogram `a` takes `a_count`. Keeps as many as there are
 * series.
 */
export class MetricFamilies {
  readonly #families = new Map<string, Family>();
  /** Which family has a line of that name. */
  readonly #lineNames = new Map<string, string>();
  readonly #reserved: ReadonlySet<string>;

  /** `reserved`: names of lines that others write. */
  constructor(reserved: ReadonlySet<string>) {
    this.#reserved = reserved;
  }

  get size(): number {
    return this.#families.size;
  }

  /** In the order in which they were made. */
  all(): readonly Family[] {
    return [...this.#families.values()];
  }

  /** The family of that name and type, or why there can be none. */
  find(name: string, type: FamilyType): Family | "type_conflict" | "name_conflict" | undefined {
    const known = this.#families.get(name);
    if (known !== undefined) {
      return known.type === type ? known : "type_conflict";
    }
    const isTaken = lineNames(name, type).some(
      (each) => this.#reserved.has(each) || this.#lineNames.has(each),
    );
    return isTaken ? "name_conflict" : undefined;
  }

  /** Why there can be no family of that name and type; undefined if there is one or can be one. */
  conflictOf(name: string, type: FamilyType): "type_conflict" | "name_conflict" | undefined {
    const found = this.find(name, type);
    return typeof found === "string" ? found : undefined;
  }

  /** Makes a family that `find` did not. */
  add(name: string, type: FamilyType, help: string): Family {
    const family = new Family(name, type, help);
    this.#families.set(name, family);
    for (const each of lineNames(name, type)) {
      this.#lineNames.set(each, name);
    }
    return family;
  }

  remove({ name, type }: Family): void {
    this.#families.delete(name);
    for (const each of lineNames(name, type)) {
      this.#lineNames.delete(each);
    }
  }
}

/** The names of lines that a family takes, its own included. */
export function lineNames(name: string, type: FamilyType): readonly string[] {
  switch (type) {
    case "counter":
    case "gauge":
      return [name];
    case "summary":
      return [name, `${name}_sum`, `${name}_count`];
    case "histogram":
      return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`];
    default: {
      const never: never = type;
      return never;
    }
  }
}
