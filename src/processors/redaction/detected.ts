import type { Levels } from "./decoded-text.ts";

/** A text from `start` up to `end`, and the byte in it at which something may be recognized. */
export interface Place {
  readonly start: number;
  readonly at: number;
  readonly end: number;
  /** How deeply each byte was escaped; left out if none was. */
  readonly levels: Levels | undefined;
}

/** A range; `end` is -1 for none. */
export interface Found {
  readonly start: number;
  readonly end: number;
}

export const none: Found = { start: 0, end: -1 };

/** Whether the literal is there, before `end`. */
export function isAt(bytes: Uint8Array, from: number, end: number, literal: Uint8Array): boolean {
  if (from + literal.length > end) {
    return false;
  }
  for (let i = 0; i < literal.length; i++) {
    if (bytes[from + i] !== literal[i]) {
      return false;
    }
  }
  return true;
}
