import { isWordByte } from "./byte-classes.ts";
import { isDoubtful, urlLevelOf } from "./decoded-text.ts";
import { type Found, none, type Place } from "./detected.ts";

const slash = 0x2f;
const colon = 0x3a;
const atSign = 0x40;
const space = 0x20;

/**
 * The user and the password in a URL whose `://` is at `at`: up to the last `@` before the path, and if there is a password, which may have any sign that the URL should have escaped,
 * up to the last one of the URL.
 */
export function userInfoAt(bytes: Uint8Array, { at, end, levels }: Place): Found {
  if (bytes[at + 1] !== slash || bytes[at + 2] !== slash) {
    return none;
  }
  const start = at + 3;
  const level = urlLevelOf(levels, at);
  let authorityEnd = -1;
  let colonAt = -1;
  let lastInAuthority = -1;
  let last = -1;
  let isPort = true;
  for (let to = start; to < end; to++) {
    const byte = bytes[to] ?? 0;
    const isEscaped = urlLevelOf(levels, to) > level || isDoubtful(levels, to);
    if (!isEscaped && isUrlEnd(byte) && (byte <= space || !isWordByte(bytes[to + 1]))) {
      break;
    }
    if (byte === colon && bytes[to + 1] === slash && bytes[to + 2] === slash && to > start) {
      break; // the next URL, of which there may be a list
    }
    if (authorityEnd < 0 && !isEscaped && (byte === slash || byte === 0x3f || byte === 0x23)) {
      authorityEnd = to;
      isPort &&= to > colonAt + 1;
    }
    if (byte === atSign) {
      last = to;
      lastInAuthority = authorityEnd < 0 ? to : lastInAuthority;
    } else if (authorityEnd < 0) {
      if (byte === colon && colonAt < 0) {
        colonAt = to;
      } else if (colonAt >= 0) {
        isPort &&= byte >= 0x30 && byte <= 0x39;
      }
    }
  }
  const hasPassword =
    colonAt >= 0 &&
    bytes[start] !== 0x5b && // an address of IPv6
    (lastInAuthority > colonAt || !isPort || colonAt === start);
  const to = hasPassword ? last : lastInAuthority;
  return to > start ? { start, end: to } : none;
}

/** What is in no URL, but may be in a password if a letter is behind it. */
function isUrlEnd(byte: number): boolean {
  return byte <= space || endSigns[byte] === 1;
}

const endSigns = new Uint8Array(256);
for (const sign of Buffer.from("\"'`<>")) {
  endSigns[sign] = 1;
}
