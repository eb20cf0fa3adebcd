import type { z } from "zod";
import { didYouMean, isRequired, kindOf, noAlternativeFits, typeNames } from "./issue-words.ts";
import { type JsonSchema, keysAt } from "./json-schema.ts";
import { nearestName } from "./nearest-name.ts";

type Issue = z.core.$ZodIssue;

/** One mistake inside a section. */
export interface Finding {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Point at the key rather than at its value. */
  readonly atKey: boolean;
  /** About values together, of which one may be a consequence of another problem. */
  readonly isOfSeveral?: true;
}

/** What to say of a key that the schema does not have, by its path in the section; `undefined` leaves that to the nearest name. */
export type MissingKey = (path: readonly (string | number)[]) => string | undefined;

/**
 * One finding per mistake: each unknown key with what `missingKey` says of it, or with the nearest known one and, for a choice, the
 * alternative that is nearest to the input.
 */
export function findingsOf(
  issues: readonly Issue[],
  schema: JsonSchema,
  missingKey: MissingKey = () => undefined,
): readonly Finding[] {
  const flat = issues.flatMap((issue) => innermostOf(issue, []));
  const unknown = flat.flatMap(({ issue, path }) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => unknownKey([...path, key], schema, missingKey))
      : [],
  );
  const others = flat
    .filter(({ issue }) => issue.code !== "unrecognized_keys")
    .map(({ issue, path }) => ({
      path,
      message: issue.message,
      atKey: issue.code === "invalid_key",
      ...(issue.code === "custom" ? { isOfSeveral: true as const } : {}),
    }))
    // A key missing because its name is misspelled beside it is one mistake, not two.
    .filter(
      (finding) =>
        !(finding.message === isRequired && unknown.some((key) => isMeantBy(key, finding))),
    );
  return [...unknown.map(({ path, message, atKey }) => ({ path, message, atKey })), ...others];
}

interface UnknownKey extends Finding {
  readonly meant: string | undefined;
  /** Its message says what to write instead, which may be the key that is missing. */
  readonly isExplained?: true;
}

interface PlacedIssue {
  readonly issue: Issue;
  readonly path: readonly (string | number)[];
}

function unknownKey(
  path: PlacedIssue["path"],
  schema: JsonSchema,
  missingKey: MissingKey,
): UnknownKey {
  const said = missingKey(path);
  if (said !== undefined)
    return { path, message: said, atKey: true, meant: undefined, isExplained: true };
  const key = String(path.at(-1));
  const known = keysAt(schema, path.slice(0, -1));
  const meant = nearestName(key, known);
  const hint =
    meant === undefined && known.length > 0
      ? ` Known here: ${known.slice(0, 20).join(", ")}${known.length > 20 ? ", …" : ""}.`
      : didYouMean(key, known);
  return { path, message: `is not a known key.${hint}`, atKey: true, meant };
}

function isMeantBy(key: UnknownKey, missing: Finding): boolean {
  const above = key.path.slice(0, -1);
  return (
    missing.path.length === key.path.length &&
    above.every((part, i) => part === missing.path[i]) &&
    (key.isExplained === true || key.meant === missing.path.at(-1))
  );
}

/** The issue, or its inner issues if it only reports that something inside is wrong. */
function innermostOf(issue: Issue, above: PlacedIssue["path"]): readonly PlacedIssue[] {
  const path = [
    ...above,
    ...issue.path.map((part) => (typeof part === "number" ? part : String(part))),
  ];
  if (issue.code === "invalid_key" || issue.code === "invalid_element") {
    return issue.issues.map((inner) => ({ issue: { ...issue, message: inner.message }, path }));
  }
  if (issue.code !== "invalid_union" || issue.message !== noAlternativeFits)
    return [{ issue, path }];
  const alternatives = issue.errors.map((errors) =>
    errors.flatMap((inner) => innermostOf(inner, path)),
  );
  const isRightKind = (found: readonly PlacedIssue[]) =>
    !found.some(
      (inner) => inner.path.length === path.length && inner.issue.code === "invalid_type",
    );
  const nearest = alternatives
    .filter((found) => found.length > 0 && isRightKind(found))
    .toSorted((a, b) => a.length - b.length)[0];
  if (nearest !== undefined) return nearest;
  const wanted = alternatives
    .flat()
    .flatMap((inner) => (inner.issue.code === "invalid_type" ? [inner.issue.expected] : []))
    .map((expected) => typeNames[expected] ?? expected);
  const choices = [...new Set(wanted)].join(" or ");
  const message =
    choices === "" ? noAlternativeFits : `must be ${choices}, but is ${kindOf(issue.input)}.`;
  return [{ issue: { ...issue, message }, path }];
}
