import { createHash } from "node:crypto";
import type { ComponentKind } from "../../component/component-kind.ts";

/** What the name of a file in a journal's directory says it is. */
export type NamedFile =
  | { readonly kind: "log"; readonly number: number }
  | { readonly kind: "snapshot"; readonly sequence: number }
  /** A snapshot that was not finished. */
  | { readonly kind: "temporary" };

export function logName(number: number): string {
  return `log-${String(number).padStart(8, "0")}`;
}

export function snapshotName(sequence: number): string {
  return `snapshot-${String(sequence).padStart(16, "0")}`;
}

/** A name that a snapshot has until it is complete. */
export const temporarySuffix = ".tmp";

/** Reads a name; `undefined` for one that is none of ours. */
export function parseFileName(name: string): NamedFile | undefined {
  const match = /^(log|snapshot)-([0-9]{1,16})(\.tmp)?$/.exec(name);
  if (match === null) {
    return undefined;
  }
  const value = Number(match[2]);
  if (match[3] === temporarySuffix) {
    return { kind: "temporary" };
  }
  return match[1] === "log"
    ? { kind: "log", number: value }
    : { kind: "snapshot", sequence: value };
}

const longestName = 120;

/**
 * The directory of a component's journal, e.g. `processor_session_activity` or
 * `processor_session_activity.prod`. Different components have different ones: a type has no dot, and whatever
 * may not stand in a file's name everywhere is `~` and its UTF-16 code unit. Upper case is escaped, too, because
 * there are file systems that do not tell it from lower case.
 */
export function journalName(component: {
  readonly kind: ComponentKind;
  readonly id: string;
}): string {
  const [type, ...names] = component.id.split("/");
  const name = names.join("/");
  const whole = `${component.kind}_${escaped(type ?? "")}${name === "" ? "" : `.${escaped(name)}`}`;
  if (whole.length <= longestName) {
    return whole;
  }
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, 32);
  // A `~` of an id is always followed by four digits, so no short name can look like this.
  return `${whole.slice(0, longestName - 34)}~~${hash}`;
}

function escaped(text: string): string {
  return text.replace(
    /[^0-9a-z_.-]/g,
    (unit) => `~${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
