// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's own dollar-brace notation is the subject here.
/** A part of a text: literal text, or a `${…}` to be replaced. */
export type TextPart = string | Reference;

/** `${…}`. Its inside can contain references. */
export interface Reference {
  readonly inside: readonly TextPart[];
}

/** The result of splitting a text. `message` completes a sentence that begins with the value's path. */
export type SplitText =
  | { readonly ok: true; readonly parts: readonly TextPart[] }
  | { readonly ok: false; readonly message: string };

const maxNesting = 20;

/**
 * Splits a text at its references. `$$` becomes one `$`, so `$${NAME}` is the text `${NAME}`; a `$`
 * before any other character is literal. Braces inside a reference must be balanced.
 */
export function splitReferences(text: string): SplitText {
  const state = { text, at: 0 };
  const parts = readParts(state, 0);
  return typeof parts === "string" ? { ok: false, message: parts } : { ok: true, parts };
}

interface ReadState {
  readonly text: string;
  at: number;
}

/** The parts up to the end of the text (`nesting` 0) or to the closing brace; or the problem. */
function readParts(state: ReadState, nesting: number): readonly TextPart[] | string {
  if (nesting > maxNesting) return "nests ${…} too deeply; use fewer levels.";
  const { text } = state;
  const parts: TextPart[] = [];
  let literal = "";
  let openBraces = 0;
  while (state.at < text.length) {
    const char = text[state.at] ?? "";
    const next = text[state.at + 1];
    if (char === "$" && next === "$") {
      literal += "$";
      state.at += 2;
    } else if (char === "$" && next === "{") {
      state.at += 2;
      const inside = readParts(state, nesting + 1);
      if (typeof inside === "string") return inside;
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push({ inside });
    } else if (nesting > 0 && char === "}" && openBraces === 0) {
      state.at += 1;
      return literal === "" ? parts : [...parts, literal];
    } else {
      if (char === "{") openBraces += 1;
      if (char === "}") openBraces -= 1;
      literal += char;
      state.at += 1;
    }
  }
  if (nesting > 0) return "has a ${ without a closing }; write $${ for the literal text ${.";
  return literal === "" ? parts : [...parts, literal];
}
