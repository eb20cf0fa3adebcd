/** Wire types of protobuf, the low three bits of a tag. */
export const wireTypes = {
  varint: 0,
  fixed64: 1,
  length: 2,
  startGroup: 3,
  endGroup: 4,
  fixed32: 5,
} as const;

/** The tag of a field: what `WireReader.tag` returns for it. */
export function tagOf(field: number, wireType: keyof typeof wireTypes): number {
  return ((field << 3) | wireTypes[wireType]) >>> 0;
}

/** Groups nest at most this deep in a field that is skipped; deeper counts as malformed. */
const maxGroupDepth = 100;
const maxVarintBytes = 10;

const noBytes = new Uint8Array(0);
let viewedBytes: Uint8Array = noBytes;
let lastView: DataView = new DataView(noBytes.buffer);

/**
 * A view of the bytes, for reading several at a time. Creating one costs as much as scanning a third of
 * a span, and a request is read many times in a row. So the last view is kept, and with it the
 * request, until another one is read or `forgetView` is called.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewedBytes) {
    viewedBytes = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return lastView;
}

/** Releases the bytes of the last view. Call it after reading a request, or its bytes stay in memory until the next one. */
export function forgetView(): void {
  viewOf(noBytes);
}

/**
 * A position in protobuf bytes. Nothing throws and nothing is copied: a read that fails
 * returns a special value, and the caller abandons the message. Every read takes the `end`
 * of the message around it, which is never past the end of `bytes`, and never reads from there on.
 */
export class WireReader {
  // Declared only, so that they are never undefined: such a field is checked at every use.
  declare readonly bytes: Uint8Array;
  declare readonly view: DataView;
  declare position: number;
  /** High word of the last `varint64`. */
  declare hi: number;
  /** Low word of the last `varint64`. */
  declare lo: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.position = 0;
    this.hi = 0;
    this.lo = 0;
  }

  /** The next tag, or 0 when there is none to read. A tag takes at most five bytes, as in protobuf. */
  tag(end: number): number {
    const at = this.position;
    if (at < end) {
      const first = this.bytes[at] ?? 0;
      if (first < 0x80) {
        this.position = at + 1;
        return first;
      }
      if (at + 1 < end) {
        const second = this.bytes[at + 1] ?? 0;
        if (second < 0x80) {
          this.position = at + 2;
          return (first & 0x7f) | (second << 7);
        }
      }
    }
    return Math.max(this.#shortVarint(end, 0xffff_ffff), 0);
  }

  /**
   * Reads the length of a field and returns where the field ends; `position` is then its first byte.
   * Returns -1 when the length is unreadable or reaches past `end`.
   */
  length(end: number): number {
    const at = this.position;
    let size = -1;
    if (at < end) {
      const first = this.bytes[at] ?? 0;
      if (first < 0x80) {
        this.position = at + 1;
        size = first;
      } else if (at + 1 < end) {
        const second = this.bytes[at + 1] ?? 0;
        if (second < 0x80) {
          this.position = at + 2;
          size = (first & 0x7f) | (second << 7);
        } else {
          size = this.#shortVarint(end, 0x7fff_ffff);
        }
      }
    }
    return size >= 0 && size <= end - this.position ? this.position + size : -1;
  }

  /** Reads a varint of up to ten bytes into `hi` and `lo`; false when it is cut off or longer. */
  varint64(end: number): boolean {
    const bytes = this.bytes;
    let at = this.position;
    let lo = 0;
    for (let shift = 0; shift < 28 && at < end; shift += 7) {
      const byte = bytes[at] ?? 0;
      at += 1;
      lo |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = at;
        this.lo = lo;
        this.hi = 0;
        return true;
      }
    }
    return at < end && this.#varintFrom28(at, end, lo);
  }

  /** Skips the field whose tag was just read; false when it is malformed, or groups in it nest deeper than `groups`. */
  skip(tag: number, end: number, groups = maxGroupDepth): boolean {
    if (tag < 8) {
      return false; // no tag, or the field number 0, which does not exist
    }
    switch (tag & 7) {
      case wireTypes.varint:
        return this.#skipVarint(end);
      case wireTypes.fixed64:
        return this.#advance(8, end);
      case wireTypes.length: {
        const stop = this.length(end);
        if (stop < 0) {
          return false;
        }
        this.position = stop;
        return true;
      }
      case wireTypes.fixed32:
        return this.#advance(4, end);
      case wireTypes.startGroup:
        return this.#skipGroup(tag, end, groups);
      default:
        return false;
    }
  }

  /** The rest of a varint, from its fifth byte on, which reaches into the high word. */
  #varintFrom28(start: number, end: number, low: number): boolean {
    const fifth = this.bytes[start] ?? 0;
    this.lo = low | (fifth << 28);
    let hi = (fifth & 0x7f) >>> 4;
    let byte = fifth;
    let at = start + 1;
    for (let shift = 3; byte >= 0x80; shift += 7) {
      if (at >= end || shift > 31) {
        return false;
      }
      byte = this.bytes[at] ?? 0;
      at += 1;
      hi |= (byte & 0x7f) << shift;
    }
    this.position = at;
    this.hi = hi;
    return true;
  }

  /** Skips up to the end of the group that `startTag` begins, and of the groups inside it. */
  #skipGroup(startTag: number, end: number, groups: number): boolean {
    if (groups < 1) {
      return false;
    }
    const open = [startTag];
    while (open.length > 0) {
      const tag = this.tag(end);
      if (tag >= 8 && (tag & 7) === wireTypes.startGroup) {
        if (open.length === groups) {
          return false;
        }
        open.push(tag);
      } else if (tag === (open.at(-1) ?? 0) + 1) {
        open.pop();
      } else if (!this.skip(tag, end)) {
        return false;
      }
    }
    return true;
  }

  #skipVarint(end: number): boolean {
    const stop = Math.min(end, this.position + maxVarintBytes);
    for (let at = this.position; at < stop; at++) {
      if ((this.bytes[at] ?? 0) < 0x80) {
        this.position = at + 1;
        return true;
      }
    }
    return false;
  }

  #advance(size: number, end: number): boolean {
    if (size > end - this.position) {
      return false;
    }
    this.position += size;
    return true;
  }

  /** A varint of at most five bytes and `max`, or -1. */
  #shortVarint(end: number, max: number): number {
    let value = 0;
    let scale = 1; // not shifts: the fifth byte reaches past 31 bits
    const stop = Math.min(end, this.position + 5);
    for (let at = this.position; at < stop; at++, scale *= 0x80) {
      const byte = this.bytes[at] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        this.position = at + 1;
        return value <= max ? value : -1;
      }
    }
    return -1;
  }
}
