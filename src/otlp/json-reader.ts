import { exactNumber } from "./exact-json.ts";

/** The first value of a text and where it ends, or the place from which on the text is no JSON. */
export type JsonReading =
  | { readonly ok: true; readonly value: unknown; readonly end: number }
  | { readonly ok: false; readonly at: number };

/** An array or an object that is not closed yet. Of an object, `name` is that of the member that is read. */
type Open =
  | { readonly close: "]"; readonly value: unknown[] }
  | { readonly close: "}"; readonly value: Record<string, unknown>; name: string };

const codes = { tab: 9, lineFeed: 10, return: 13, space: 32, quote: 34, backslash: 92 } as const;
const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * Reads the first JSON value of a text as `parseExactJson` does, but several times as slow: it knows where a text is malformed, and loses
 * nothing of a member that an object has twice. Arrays are appended to each other and objects merged, as protobuf does it and
 * the readers that work like it; of other values the last one counts. Nothing in it calls itself, so any depth is read.
 */
export function readJson(text: string): JsonReading {
  const opened: Open[] = [];
  let at = 0;
  const skipSpace = () => {
    while (isSpace(text.charCodeAt(at))) {
      at += 1;
    }
  };
  /** The text at the position; undefined if it is malformed or none. */
  const readText = (): string | undefined => {
    const end = endOfText(text, at);
    const value = end < 0 ? undefined : textOf(text.slice(at, end));
    at = value === undefined ? at : end;
    return value;
  };
  /** The name of a member and its colon. */
  const readName = (into: Open): boolean => {
    skipSpace();
    if (into.close === "]") {
      return true;
    }
    const name = readText();
    skipSpace();
    if (name === undefined || text[at] !== ":") {
      return false;
    }
    at += 1;
    into.name = name;
    return true;
  };
  for (;;) {
    skipSpace();
    const character = text[at];
    let value: unknown;
    if (character === "[" || character === "{") {
      at += 1;
      const earlier = earlierIn(opened.at(-1));
      const into = opening(character, earlier);
      skipSpace();
      if (text[at] !== into.close) {
        if (!readName(into)) {
          return { ok: false, at };
        }
        opened.push(into);
        continue;
      }
      at += 1;
      value = into.value;
    } else if (character === '"') {
      value = readText();
      if (value === undefined) {
        return { ok: false, at };
      }
    } else {
      literal.lastIndex = at;
      const [source] = literal.exec(text) ?? [];
      if (source === undefined) {
        return { ok: false, at };
      }
      at += source.length;
      value = literalValue(source);
    }
    for (;;) {
      const into = opened.at(-1);
      if (into === undefined) {
        return { ok: true, value, end: at };
      }
      put(into, value);
      skipSpace();
      const next = text[at];
      if (next !== "," && next !== into.close) {
        return { ok: false, at };
      }
      at += 1;
      if (next === ",") {
        if (!readName(into)) {
          return { ok: false, at };
        }
        break;
      }
      opened.pop();
      value = into.value;
    }
  }
}

/** The value that the member which is read already has. */
function earlierIn(into: Open | undefined): unknown {
  return into?.close === "}" ? into.value[into.name] : undefined;
}

function opening(character: "[" | "{", earlier: unknown): Open {
  if (character === "[") {
    return { close: "]", value: Array.isArray(earlier) ? earlier : [] };
  }
  return { close: "}", value: isMembers(earlier) ? earlier : Object.create(null), name: "" };
}

function put(into: Open, value: unknown): void {
  if (into.close === "]") {
    into.value.push(value);
  } else if (value !== null || into.value[into.name] === undefined) {
    // A member that is null is one that is not there.
    into.value[into.name] = value;
  }
}

function isMembers(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Behind the quote that ends the text whose first quote is at `at`; -1 if there is none. */
function endOfText(text: string, at: number): number {
  if (text.charCodeAt(at) !== codes.quote) {
    return -1;
  }
  for (let end = at + 1; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code === codes.quote) {
      return end + 1;
    }
    end += code === codes.backslash ? 1 : 0;
  }
  return -1;
}

function textOf(source: string): string | undefined {
  try {
    return String(JSON.parse(source));
  } catch {
    return undefined;
  }
}

function literalValue(literalText: string): unknown {
  switch (literalText) {
    case "true":
      return true;
    case "false":
      return false;
    case "null":
      return null;
    default:
      return exactNumber(literalText);
  }
}

function isSpace(code: number): boolean {
  return (
    code === codes.space || code === codes.lineFeed || code === codes.return || code === codes.tab
  );
}
