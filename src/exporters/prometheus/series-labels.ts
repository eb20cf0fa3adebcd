import { hasIdShape, namesASession } from "../../metrics/id-shape.ts";
import type { AttributeNames } from "./attribute-names.ts";
import type { TextAttribute } from "./attribute-text.ts";
import { type IdReason, isIdValue, isWordList } from "./id-like.ts";

/** Why an attribute is not shown as it is. Closed lists, fit for a label. */
export type LabelReason = IdReason | "not_scalar" | "invalid_name" | "too_long" | "too_many";

/** Longer label names are not shown. */
const maxNameLength = 255;
/** Longer values are cut. */
const maxValueLength = 1_024;
/** The most labels of a series. */
const maxLabels = 64;

/** Collects what happens to labels. */
export interface LabelReport {
  dropped(reason: LabelReason): void;
  truncated(): void;
}

/** What the labels of all series share. */
export interface LabelParts {
  readonly report: LabelReport;
  readonly names: AttributeNames;
}

/** Where a series comes from. */
export interface Target {
  /** `service.namespace/service.name`. */
  readonly job: string | undefined;
  /** `service.instance.id`. */
  readonly instance: string | undefined;
}

/** The attributes that make `job` and `instance`. */
export const serviceKeys = ["service.name", "service.namespace", "service.instance.id"] as const;

/**
 * The target of a resource. The id of a process is no id of a session, so it is shown, unless its form is that of a session or
 * a person.
 */
export function targetOf(attributes: readonly TextAttribute[], report: LabelReport): Target {
  const shown = (key: string, isId: (text: string) => boolean) => {
    const text = attributes.find((attribute) => attribute.key === key)?.text ?? "";
    if (text !== "" && isId(text.slice(0, 2 * maxValueLength))) {
      report.dropped("id_value");
      return "";
    }
    return text.slice(0, maxValueLength);
  };
  const [name, namespace, instance] = serviceKeys;
  const service = shown(name, hasIdShape);
  const prefix = shown(namespace, hasIdShape);
  return {
    job: service === "" ? undefined : prefix === "" ? service : `${prefix}/${service}`,
    instance: shown(instance, namesASession) || undefined,
  };
}

/**
 * Builds the labels of one series. What is added first wins: a label that is taken by one of `fixed` gets the prefix `exported_`, as Prometheus does it
 * with labels of a scrape that it needs itself. Attributes with one label are joined with `;`, in the order of their keys.
 */
export class LabelSet {
  readonly #labels = new Map<string, string>();
  readonly #fixed: ReadonlySet<string>;
  readonly #report: LabelReport;
  readonly #names: AttributeNames;

  /** `fixed`: names that attributes cannot have. */
  constructor(fixed: ReadonlySet<string>, { report, names }: LabelParts) {
    this.#fixed = fixed;
    this.#report = report;
    this.#names = names;
  }

  /** Adds labels of our own, unless the value is empty: an empty label is the same as none. */
  set(name: string, value: string | undefined): void {
    if (value !== undefined && value !== "") {
      this.#labels.set(name, value);
    }
  }

  /** As `set`, unless there is one of that name. */
  setFree(name: string, value: string | undefined): void {
    if (!this.#labels.has(name)) {
      this.set(name, value);
    }
  }

  /** As `setFree`, of a text of the sender. */
  setShown(name: string, text: string): void {
    this.setFree(name, text === "" ? undefined : this.#shown({ key: name, text }));
  }

  /** Adds attributes of a sender. `prefix` is put in front of their keys. */
  add(attributes: readonly TextAttribute[], prefix = ""): void {
    const own = new Map<string, string>();
    const byKey = new Map(attributes.map((attribute) => [attribute.key, attribute]));
    for (const [key, attribute] of [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const value = this.#shown(attribute);
      if (value === undefined || value === "") {
        continue;
      }
      const name = key === "" ? undefined : this.#names.of(`${prefix}${key}`).label;
      if (name === undefined || name.length > maxNameLength) {
        this.#report.dropped(name === undefined ? "invalid_name" : "too_long");
        continue;
      }
      const free = this.#freeName(name);
      const before = own.get(free);
      own.set(free, before === undefined ? value : this.#cut(`${before};${value}`));
    }
    for (const [name, value] of own) {
      if (this.#labels.size >= maxLabels) {
        this.#report.dropped("too_many");
      } else {
        this.#labels.set(name, value);
      }
    }
  }

  /** As on the page, without braces. */
  text(): string {
    return [...this.#labels].map(([name, value]) => `${name}="${escaped(value)}"`).join(",");
  }

  #freeName(name: string): string {
    let free = name;
    while (this.#labels.has(free) || this.#fixed.has(free)) {
      free = `exported_${free}`;
    }
    return free;
  }

  /** The value, or undefined if it must not be shown. It is looked at beyond the cut, so that no half of an id stays. */
  #shown({ key, text, items }: TextAttribute): string | undefined {
    const reason = this.#reasonOf(key, text, items);
    if (text === undefined || reason !== undefined) {
      this.#report.dropped(reason ?? "not_scalar");
      return undefined;
    }
    return this.#cut(text);
  }

  #reasonOf(
    key: string,
    text: string | undefined,
    items: readonly string[] | undefined,
  ): LabelReason | undefined {
    const { reason, exceptFor, values } = this.#names.of(key);
    if (reason !== undefined && (text === undefined || !exceptFor.test(text))) {
      return reason;
    }
    if (text === undefined || (items !== undefined && !isWordList(items))) {
      return "not_scalar";
    }
    return isIdValue(text.slice(0, 2 * maxValueLength), values) ? "id_value" : undefined;
  }

  #cut(text: string): string {
    if (text.length <= maxValueLength) {
      return text;
    }
    this.#report.truncated();
    return wellFormed(text.slice(0, maxValueLength));
  }
}

/** A value between quotes in the text format. A NUL would end the page for Prometheus. */
function escaped(text: string): string {
  return /[\\"\n\0]/.test(text)
    ? text
        .replaceAll("\\", "\\\\")
        .replaceAll('"', '\\"')
        .replaceAll("\n", "\\n")
        .replaceAll("\0", "\uFFFD")
    : text;
}

/** Without half of a pair of surrogates at the end. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}
