import { isInfrastructureKey, keyKindOf } from "../../metrics/id-key.ts";
import { hasIdInPath, hasIdShape, namesASession } from "../../metrics/id-shape.ts";

/**
 * Which attributes name one session, run, message or person, or contain a secret. Such an attribute never becomes a label: it would put an
 * id on a page without access control, and give every session series of its own.
 */

/** A closed list, fit for a label. */
export type IdReason = "id_key" | "id_value" | "secret" | "command_line";

/** What follows from a key alone. */
export interface KeyFacts {
  /** Why the attribute is not shown, unless `exceptFor` applies to its value. */
  readonly reason: Exclude<IdReason, "id_value"> | undefined;
  /** Values that are shown in spite of `reason`. */
  readonly exceptFor: RegExp;
  /** Which rules apply to the value. */
  readonly values: "any" | "infrastructure" | "path";
}

/** Attributes whose values can contain secrets and prompts. */
const commandLines =
  /(?:^|[._-])(?:(?:process|container)\.command|command[._]?(?:args|line)|process\.title|cmd_?line|args|argv|arguments|environ)$/i;
const paths = /(?:^|[._-])(?:path|url|uri|target|full|href|referr?er|location)$/i;
/** The name of a label alone could be an id. */
const nothing = /(?!)/;
/** A flag identifies no person. */
const flags = /^(?:true|false)$/i;
/** Of a word that means a secret or what models count. */
const tokenKinds =
  /^(?:true|false|total|(?:input|output|prompt|completion|reasoning|thoughts?|tool|text|audio|image|context)(?:[._ -]?tokens?)?|cached?(?:[._ -]?(?:read|write|creation|input|output))?)$/i;
const tokenCounts = /^(?:true|false|[0-9]{1,8})$/i;

export function keyFactsOf(key: string): KeyFacts {
  const values = isInfrastructureKey(key) ? "infrastructure" : paths.test(key) ? "path" : "any";
  if (commandLines.test(key)) {
    return { reason: "command_line", exceptFor: nothing, values };
  }
  const kind = keyKindOf(key);
  if (kind === undefined && !hasIdShape(key)) {
    return { reason: undefined, exceptFor: nothing, values };
  }
  const reason = kind === "secret" ? "secret" : "id_key";
  if (hasIdShape(key)) {
    return { reason, exceptFor: nothing, values };
  }
  const isOfTokens = reason === "secret" && /(?:^|[._a-z-])tokens?$/i.test(key);
  const exceptFor = !isOfTokens ? flags : /s$/i.test(key) ? tokenCounts : tokenKinds;
  return { reason, exceptFor, values };
}

/** Whether an attribute with this value is not shown. */
export function isIdValue(text: string, values: KeyFacts["values"]): boolean {
  return values === "infrastructure"
    ? namesASession(text)
    : hasIdShape(text) || (values === "path" && hasIdInPath(text));
}

/** Whether a list is one of short words, none of which could be the key of an id or an option of a command. */
export function isWordList(items: readonly string[]): boolean {
  return (
    items.length <= 32 &&
    items.every(
      (item) =>
        /^[\p{L}\p{N}][\p{L}\p{N} ._:/+-]{0,63}$/u.test(item) && keyKindOf(item) === undefined,
    )
  );
}
