import { constants, inflateRawSync, inflateSync, zstdDecompressSync } from "node:zlib";

/** Bytes as something may have read or written them. */
export interface View {
  /** How they came about, from the bytes themselves on. */
  readonly path: readonly string[];
  readonly bytes: Buffer;
}

/** What a decoding has found. */
interface Decoded {
  readonly all: Buffer;
  /** The part of it that may be decoded once more: not what is only noise. */
  readonly sensible: Buffer;
}

const maxDepth = 3;
const maxInflated = 64 * 1024 * 1024;

/**
 * The bytes, and what is in them in every common encoding: as text in UTF-16, split by line breaks or other characters, reversed, in
 * escapes of URLs, JSON, C, HTML and MIME, in hex, in base64 and base32 from any place on, as a list of numbers, and compressed; and
 * that again, three times over.
 */
export function* viewsOf(bytes: Uint8Array): Generator<View> {
  const queue: (View & { readonly sensible: Buffer })[] = [
    { path: [], bytes: Buffer.from(bytes), sensible: Buffer.from(bytes) },
  ];
  for (let view = queue.shift(); view !== undefined; view = queue.shift()) {
    yield view;
    const { path, sensible } = view;
    if (path.length < maxDepth && sensible.length >= 8) {
      for (const [name, decode] of Object.entries(decodings)) {
        // Once is enough of those that are the same a second time.
        const decoded = path.includes(name) && once.has(name) ? undefined : decode(sensible);
        if (decoded !== undefined && decoded.all.length >= 8) {
          queue.push({ path: [...path, name], bytes: decoded.all, sensible: decoded.sensible });
        }
      }
    }
  }
}

const nothing = Buffer.alloc(0);
const once = new Set(["UTF-16", "without line breaks", "joined", "reversed"]);

/** Each makes of the bytes all that it finds in its encoding, or nothing. */
const decodings: Readonly<Record<string, (bytes: Buffer) => Decoded | undefined>> = {
  inflated: (bytes) => inflatedParts(bytes),
  // Both orders of bytes, and texts whose characters stand apart otherwise.
  "UTF-16": (bytes) =>
    bytes.includes(0) ? whole(Buffer.from(bytes.filter((byte) => byte !== 0))) : undefined,
  "without line breaks": (bytes) => around(bytes, /(?:[\r\n]|\\[nr])+[ \t]*/g, () => ""),
  joined(bytes) {
    const text = bytes.toString("latin1");
    return { all: Buffer.from(text.replaceAll(/[^A-Za-z0-9]+/g, "")), sensible: nothing };
  },
  reversed: (bytes) => ({ all: Buffer.from(bytes).reverse(), sensible: nothing }),
  percent: (bytes) =>
    around(bytes, /%([0-9A-Fa-f]{2})/g, ([, hex = ""]) => latin1(Number.parseInt(hex, 16))),
  "quoted-printable": (bytes) =>
    around(bytes, /=([0-9A-F]{2})/g, ([, hex = ""]) => latin1(Number.parseInt(hex, 16))),
  backslashes: (bytes) =>
    around(
      bytes,
      /\\(?:u\{([0-9A-Fa-f]{1,6})\}|[uU]([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([0-7]{3})|(["\\/]))/g,
      ([, braced, wide, hex, octal, other]) =>
        other ??
        latin1(
          octal === undefined
            ? Number.parseInt(braced ?? wide ?? hex ?? "0", 16)
            : Number.parseInt(octal, 8),
        ),
    ),
  entities: (bytes) =>
    around(bytes, /&#(?:[xX]([0-9A-Fa-f]{1,6})|([0-9]{1,7}));/g, ([, hex, decimal]) =>
      latin1(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)),
    ),
  hex: (bytes) =>
    runs(bytes, /(?:[0-9A-Fa-f]{2}[ :,-]?(?:0x)?){8,}/g, (run) => {
      const digits = run.replaceAll(/[ :,-]|0x/g, "");
      return [Buffer.from(digits, "hex"), Buffer.from(digits.slice(1), "hex")];
    }),
  base64: (bytes) =>
    runs(bytes, /[A-Za-z0-9+/_-]{11,}/g, (run) =>
      [0, 1, 2, 3].map((from) => Buffer.from(run.slice(from), "base64")),
    ),
  base32: (bytes) =>
    runs(bytes, /[A-Z2-7]{13,}/g, (run) =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((from) => base32(run.slice(from))),
    ),
  // `[104,105]`, and what JSON makes of a Uint8Array.
  numbers: (bytes) =>
    runs(
      bytes,
      /(?:(?:"\d{1,7}"\s?:\s?)?\d{1,3}\s?[,\s]\s?){7,}(?:"\d{1,7}"\s?:\s?)?\d{1,3}/g,
      (run) => [
        Buffer.from(
          run
            .replaceAll(/"\d+"\s?:\s?/g, "")
            .split(/[,\s]+/)
            .map(Number),
        ),
      ],
    ),
};

function whole(bytes: Buffer): Decoded {
  return { all: bytes, sensible: bytes };
}

function latin1(code: number): string {
  return code < 256 ? String.fromCharCode(code) : "?";
}

/** How much of the text on both sides of an escape is a part of the same text. */
const neighbourhood = 200;

/** The texts around all that fits, with that replaced. */
function around(
  bytes: Buffer,
  pattern: RegExp,
  by: (match: RegExpExecArray) => string,
): Decoded | undefined {
  const text = bytes.toString("latin1");
  const parts: string[] = [];
  let end = -1;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end + neighbourhood) {
      if (end >= 0) {
        parts.push(text.slice(end, end + neighbourhood), "\n\u0001\n");
      }
      parts.push(text.slice(Math.max(end, match.index - neighbourhood, 0), match.index));
    } else {
      parts.push(text.slice(Math.max(end, 0), match.index));
    }
    parts.push(by(match));
    end = match.index + match[0].length;
  }
  if (end < 0) {
    return undefined;
  }
  parts.push(text.slice(end, end + neighbourhood));
  return whole(Buffer.from(parts.join(""), "latin1"));
}

const separator = Buffer.from("\n\u0001\n");

/** What `decode` makes of each run of characters that fit. */
function runs(
  bytes: Buffer,
  pattern: RegExp,
  decode: (run: string) => readonly Buffer[],
): Decoded | undefined {
  const all: Buffer[] = [];
  const sensible: Buffer[] = [];
  for (const [run] of bytes.toString("latin1").matchAll(pattern)) {
    for (const part of decode(run)) {
      all.push(part, separator);
      if (isSensible(part)) {
        sensible.push(part, separator);
      }
    }
  }
  return all.length === 0
    ? undefined
    : { all: Buffer.concat(all), sensible: Buffer.concat(sensible) };
}

/** Whether bytes that were decoded are text, also in UTF-16, or begin as something that is compressed. */
function isSensible(bytes: Buffer): boolean {
  if (formats.some(({ magic }) => magic.equals(bytes.subarray(0, magic.length)))) {
    return true;
  }
  let printable = 0;
  const length = Math.min(bytes.length, 64);
  for (let at = 0; at < length; at++) {
    const byte = bytes[at]!;
    printable += (byte >= 32 && byte < 127) || byte === 0 || byte === 10 ? 1 : 0;
  }
  return printable >= length * 0.9;
}

const alphabet32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    value = ((value << 5) | alphabet32.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((value >>> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

const limits = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxInflated };
const formats: readonly {
  readonly magic: Buffer;
  readonly inflate: (bytes: Buffer) => Buffer;
}[] = [
  { magic: Buffer.from([0x1f, 0x8b, 8]), inflate: gunzip },
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), inflate: zstd },
  ...[0x01, 0x5e, 0x9c, 0xda].map((level) => ({
    magic: Buffer.from([0x78, level]),
    inflate: (bytes: Buffer) => inflateSync(bytes, limits),
  })),
];

/** Every stream in the bytes that begins as its format says, and the bytes as a bare stream of deflate. */
function inflatedParts(bytes: Buffer): Decoded | undefined {
  const found: Buffer[] = [];
  const add = (part: Buffer, inflate: (bytes: Buffer) => Buffer) => {
    try {
      const inflated = inflate(part);
      if (inflated.length >= 8) {
        found.push(inflated, separator);
      }
    } catch {
      // It only looked like one.
    }
  };
  for (const { magic, inflate } of formats) {
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
      add(bytes.subarray(at), inflate);
    }
  }
  add(bytes, (part) => inflateRawSync(part, limits));
  return found.length === 0 ? undefined : whole(Buffer.concat(found));
}

/** Without its checksum, so that it matters not what is behind it. */
function gunzip(bytes: Buffer): Buffer {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) {
    at += 2 + bytes.readUInt16LE(at);
  }
  // A name and a comment, each of which ends with 0.
  for (const flag of [8, 16]) {
    at = (flags & flag) === 0 ? at : bytes.indexOf(0, at) + 1;
  }
  return inflateRawSync(bytes.subarray(at + ((flags & 2) === 0 ? 0 : 2)), limits);
}

function zstd(bytes: Buffer): Buffer {
  return zstdDecompressSync(bytes, {
    finishFlush: constants.ZSTD_e_flush,
    maxOutputLength: maxInflated,
  });
}
