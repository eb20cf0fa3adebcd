import { createHash } from "node:crypto";
import type { ComponentKind } from "../../component/component-kind.ts";

/** The meaning of a file name in a journal's directory. */
export type NamedFile =
  | { readonly kind: "log"; readonly number: number }
  | { readonly kind: "snapshot"; readonly sequence: number }
  /** How far the log is on the disk. */
  | { readonly kind: "end" }
  /** An unfinished snapshot. */
  | { readonly kind: "temporary" };

export function logName(number: number): string {
  return `log-${String(number).padStart(8, "0")}`;
}

export function snapshotName(sequence: number): string {
  return `snapshot-${String(sequence).padStart(16, "0")}`;
}

/** The file that says how far the log is on the disk. */
export const endMarkName = "end";

/** The file in the directory of the storage on which the process holds a lock. */
export const lockName = "lock";

/** The end of a snapshot's name until it is complete. */
export const temporarySuffix = ".tmp";

/** Parses a name; `undefined` if it does not belong to a journal. */
export function parseFileName(name: string): NamedFile | undefined {
  if (name === endMarkName) {
    return { kind: "end" };
  }
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
 * `processor_session_activity.prod`. No two components share one: a type contains no dot, and a character that some file
 * system does not allow in a name becomes `~` and its UTF-16 code unit. Upper case is escaped, too, because some file
 * systems ignore case.
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
  // A `~` from an id is always followed by four digits, so no short name can look like this one.
  return `${whole.slice(0, longestName - 34)}~~${hash}`;
}

/** Whether a directory with this name is that of a journal. */
export function isJournalName(name: string): boolean {
  return /^(receiver|processor|exporter|extension)_./.test(name);
}

function escaped(text: string): string {
  return text.replace(
    /[^0-9a-z_.-]/g,
    (unit) => `~${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
