import { quoted } from "../config/cut.ts";

/** `type` or `type/name`, taken apart. */
export interface ComponentId {
  readonly type: string;
  /** The id without blanks around its parts, as everything else names it. */
  readonly id: string;
}

/** The result of parsing an id. `message` completes a sentence that begins with the position of the id. */
export type ParsedId =
  | { readonly ok: true; readonly value: ComponentId }
  | { readonly ok: false; readonly message: string };

/** Reads an id by the Collector's rules: divided at the first `/`, blanks around the parts ignored. */
export function parseId(text: string): ParsedId {
  const shown = quoted(text);
  const slash = text.indexOf("/");
  const type = (slash < 0 ? text : text.slice(0, slash)).trim();
  const name = slash < 0 ? undefined : text.slice(slash + 1).trim();
  if (text.trim() === "") return refuse("is an empty id.");
  if (type === "") return refuse(`has the id ${shown}; the part before / must not be empty.`);
  if (!/^[a-zA-Z][0-9a-zA-Z_]{0,62}$/.test(type)) {
    return refuse(
      `has the id ${shown}; a type contains only letters, digits and _, begins with a letter and has at most 63 characters.`,
    );
  }
  if (name === "") return refuse(`has the id ${shown}; the part after / must not be empty.`);
  if (name !== undefined && !/^[^\p{Z}\p{C}\p{S}]{1,1024}$/u.test(name)) {
    return refuse(
      `has the id ${shown}; a name contains no blanks, control characters or symbols and has at most 1024 characters.`,
    );
  }
  return { ok: true, value: { type, id: name === undefined ? type : `${type}/${name}` } };
}

function refuse(message: string): ParsedId {
  return { ok: false, message };
}
