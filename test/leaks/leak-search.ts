import { createHash, createHmac } from "node:crypto";
import type { Canary } from "./canary-mint.ts";
import { viewsOf } from "./decodings.ts";

/** A canary where none may be. */
export interface Finding {
  readonly canary: Canary;
  readonly channel: string;
  /** How it was encoded there, from the outside to the inside; empty for the plain text. */
  readonly encoding: string;
  /** What is around it. */
  readonly excerpt: string;
}

/** A part of a canary as long as this is a leak. It never is so by chance. */
const shortest = { token: 8, hex: 16, digits: 12 } as const;
const forms = ["token", "hex", "digits"] as const;
/** The shortest part of a hash that is searched, in bytes: a truncated one of an id that can be guessed names it, too. */
const shortestHash = 8;
const algorithms = [
  "md5",
  "sha1",
  "sha224",
  "sha256",
  "sha384",
  "sha512",
  "sha512-256",
  "sha3-256",
  "blake2b512",
  "blake2s256",
  "ripemd160",
];
/** Those that people cut down to 8 digits. */
const usual = new Set(["md5", "sha1", "sha256", "sha512"]);
const maxFindings = 200;

/** Searches for parts of canaries, and for hashes without a key. */
export class LeakSearch {
  readonly #parts: Readonly<Record<Canary["form"], PartIndex>>;
  readonly #binary = new BinaryIndex();
  /** The first 12 hex digits of each hash, and the first 8 of the usual ones of ids. */
  readonly #hashes = new Map<string, Canary>();

  constructor(canaries: readonly Canary[]) {
    this.#parts = {
      token: new PartIndex(shortest.token, /[0-9a-z]/),
      hex: new PartIndex(shortest.hex, /[0-9a-f]/),
      digits: new PartIndex(shortest.digits, /[0-9]/),
    };
    for (const canary of canaries) {
      this.#parts[canary.form].add(canary);
      if (canary.form === "hex") {
        this.#binary.add(Buffer.from(canary.token, "hex"), canary);
      }
      this.#addHashes(canary);
    }
  }

  /** The canaries in the bytes, each once. */
  findIn(channel: string, bytes: Uint8Array): readonly Finding[] {
    const found = new Map<Canary, Finding>();
    for (const view of viewsOf(bytes)) {
      const report = (canary: Canary, at: number, what = "") => {
        if (!found.has(canary) && found.size < maxFindings) {
          found.set(canary, {
            canary,
            channel,
            encoding: [...view.path, ...(what === "" ? [] : [what])].join(" → "),
            excerpt: excerptOf(view.bytes, at),
          });
        }
      };
      for (const form of forms) {
        this.#parts[form].search(view.bytes, report);
      }
      this.#binary.search(view.bytes, (canary, at) => report(canary, at, "binary"));
      this.#searchHashes(view.bytes, report);
    }
    return [...found.values()];
  }

  #addHashes(canary: Canary): void {
    for (const text of new Set([canary.value, canary.token])) {
      for (const algorithm of canary.isId ? algorithms : ["sha256"]) {
        const digest = createHash(algorithm).update(text).digest();
        const withEmptyKey = createHmac(algorithm, "").update(text).digest();
        for (const each of [digest, withEmptyKey]) {
          this.#binary.add(each.subarray(0, shortestHash), canary);
          this.#hashes.set(each.toString("hex", 0, 6), canary);
        }
        if (canary.isId && text === canary.value && usual.has(algorithm)) {
          this.#hashes.set(digest.toString("hex", 0, 4), canary);
        }
      }
    }
  }

  /** A hash in hex, if only its beginning. In the middle of other digits it must be longer, as it is in the binary form. */
  #searchHashes(bytes: Buffer, report: (canary: Canary, at: number, what: string) => void): void {
    for (const match of bytes.toString("latin1").matchAll(/(?<![0-9A-Za-z])[0-9A-Fa-f]{8,}/g)) {
      const digits = match[0].toLowerCase();
      // Among thousands of hashes, the first eight of many digits are one of them by chance now and then.
      const canary = this.#hashes.get(digits.slice(0, digits.length < 12 ? 8 : 12));
      if (canary !== undefined) {
        report(canary, match.index, "hash in hex");
      }
    }
  }
}

/** Which bytes could be part of a canary, in lower case: 0 for all others. */
function classOf(pattern: RegExp): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const letter = String.fromCharCode(byte).toLowerCase();
    table[byte] = byte < 128 && pattern.test(letter) ? letter.charCodeAt(0) : 0;
  }
  return table;
}

/** Finds every part of one length, in any case, in one pass. */
class PartIndex {
  readonly #length: number;
  readonly #classes: Uint8Array;
  readonly #filter = new Uint8Array(2 ** 19);
  readonly #parts = new Map<string, Canary>();
  /** 31 to the power of the length, which takes the oldest byte out of the hash. */
  readonly #factor: number;

  constructor(length: number, pattern: RegExp) {
    this.#length = length;
    this.#classes = classOf(pattern);
    let factor = 1;
    for (let at = 0; at < length; at++) {
      factor = Math.imul(factor, 31);
    }
    this.#factor = factor;
  }

  add(canary: Canary): void {
    const token = canary.token.toLowerCase();
    for (let at = 0; at + this.#length <= token.length; at++) {
      const part = token.slice(at, at + this.#length);
      this.#parts.set(part, canary);
      let hash = 0;
      for (const character of part) {
        hash = (Math.imul(hash, 31) + character.charCodeAt(0)) | 0;
      }
      this.#filter[(hash >>> 3) & 0x7ffff]! |= 1 << (hash & 7);
    }
  }

  search(bytes: Buffer, report: (canary: Canary, at: number) => void): void {
    if (this.#parts.size === 0) {
      return;
    }
    let hash = 0;
    let run = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = this.#classes[bytes[at]!]!;
      if (byte === 0) {
        hash = 0;
        run = 0;
        continue;
      }
      hash = (Math.imul(hash, 31) + byte) | 0;
      run += 1;
      if (run < this.#length) {
        continue;
      }
      if (run > this.#length) {
        const oldest = this.#classes[bytes[at - this.#length]!]!;
        hash = (hash - Math.imul(oldest, this.#factor)) | 0;
      }
      if ((this.#filter[(hash >>> 3) & 0x7ffff]! & (1 << (hash & 7))) !== 0) {
        const from = at - this.#length + 1;
        const part = bytes.toString("latin1", from, at + 1).toLowerCase();
        const canary = this.#parts.get(part);
        if (canary !== undefined) {
          report(canary, from);
        }
      }
    }
  }
}

/** Finds any eight bytes of some. */
class BinaryIndex {
  readonly #filter = new Uint8Array(2 ** 19);
  readonly #parts = new Map<string, Canary>();

  add(bytes: Buffer, canary: Canary): void {
    for (let at = 0; at + 8 <= bytes.length; at++) {
      const hash = Math.imul(bytes.readInt32LE(at), 0x9e3779b1) >>> 10;
      this.#filter[hash >>> 3]! |= 1 << (hash & 7);
      this.#parts.set(bytes.toString("latin1", at, at + 8), canary);
    }
  }

  search(bytes: Buffer, report: (canary: Canary, at: number) => void): void {
    let next = 0;
    for (let at = 0; at + 8 <= bytes.length; at++) {
      next = at === 0 ? bytes.readInt32LE(0) : (next >>> 8) | (bytes[at + 3]! << 24);
      const hash = Math.imul(next, 0x9e3779b1) >>> 10;
      // Text is never one: a hash of eight printable bytes is one in two thousand.
      if ((this.#filter[hash >>> 3]! & (1 << (hash & 7))) !== 0 && isBinary(bytes, at)) {
        const canary = this.#parts.get(bytes.toString("latin1", at, at + 8));
        if (canary !== undefined) {
          report(canary, at);
        }
      }
    }
  }
}

function isBinary(bytes: Buffer, from: number): boolean {
  for (let at = from; at < from + 8; at++) {
    const byte = bytes[at]!;
    if (byte < 9 || byte > 126) {
      return true;
    }
  }
  return false;
}

function excerptOf(bytes: Buffer, at: number): string {
  const text = bytes.toString("latin1", Math.max(0, at - 120), at + 80);
  return text.replaceAll(/[^\x20-\x7e]+/g, "·");
}
