import type { Found } from "./detected.ts";

const colon = 0x3a;
const blank = 0x20;
const maxUser = 64;

/** Whether a colon is behind the user, who may be empty. Without a look at the rest, which may be long. */
export function hasColon(bytes: Uint8Array, from: number, end: number): boolean {
  const max = Math.min(end, from + maxUser);
  let to = from;
  while (to < max && bytes[to] !== colon && bytes[to] !== blank) {
    to += 1;
  }
  return to < max && bytes[to] === colon;
}

/** Whether a password is there, and these are no numbers of a user and a group. */
export function isUserAndPassword(bytes: Uint8Array, { start, end }: Found): boolean {
  let colonAt = -1;
  let areDigits = true;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === colon && colonAt < 0) {
      colonAt = i;
    } else {
      areDigits &&= byte >= 0x30 && byte <= 0x39;
    }
  }
  return colonAt >= start && colonAt < end - 1 && !areDigits;
}
