import {
  constants,
  gunzip,
  gunzipSync,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
  type ZstdOptions,
  inflate as zlibInflate,
  zstdDecompress,
  zstdDecompressSync,
} from "node:zlib";
import { withoutSlack } from "./byte-blocks.ts";

/**
 * The supported values of `Content-Encoding`. `zlib` is another name for `deflate`; both also accept the raw deflate stream
 * that some clients send under these names.
 */
export const contentEncodings = ["identity", "gzip", "zstd", "zlib", "deflate"] as const;
export type ContentEncoding = (typeof contentEncodings)[number];

/** The bytes, or the problem: `corrupt` is everything but exactly one complete stream. */
export type InflateResult =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly problem: "too_large" | "corrupt" };

export interface InflateLimits {
  /** The most bytes of output. They are counted during decompression, so a compression bomb costs no more than this. */
  readonly maxBytes: number;
  /**
   * Runs a bounded number of tasks at one time and the others in order after them (p-limit). All callers share it, so that
   * only so many large outputs exist at one time. Its queue holds one entry per caller, so the callers must be bounded.
   */
  readonly slots: <T>(task: () => Promise<T>) => Promise<T>;
}

/**
 * Parses the header. None means identity, as do empty members of a list, and `identity` beside an encoding changes nothing. An unsupported
 * value gives undefined, and so do two encodings. `x-gzip` is gzip (RFC 9110, 8.4.1.3).
 */
export function parseContentEncoding(header: string | undefined): ContentEncoding | undefined {
  const words = (header ?? "")
    .split(",")
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== "" && word !== "identity");
  if (words.length > 1) {
    return undefined;
  }
  const [word = "identity"] = words;
  return contentEncodings.find((encoding) => encoding === (word === "x-gzip" ? "gzip" : word));
}

/**
 * Decodes one content encoding. It never rejects, for any bytes. Small bodies are decompressed synchronously; those that could
 * block the event loop for longer are decompressed in the thread pool.
 */
export async function inflate(
  bytes: Uint8Array,
  encoding: ContentEncoding,
  limits: InflateLimits,
): Promise<InflateResult> {
  if (encoding === "identity") {
    return bytes.length > limits.maxBytes ? tooLarge : { ok: true, bytes };
  }
  const format = formatOf(encoding, bytes);
  if (bytes.length <= syncInputBytes) {
    const maxBytes = Math.min(syncOutputBytes, limits.maxBytes);
    const result = inflateHere(bytes, format, maxBytes);
    if (result.ok || result.problem === "corrupt" || maxBytes === limits.maxBytes) {
      return result;
    }
  }
  return limits.slots(() => inflateInPool(bytes, format, limits.maxBytes));
}

type Options = ZlibOptions & ZstdOptions;

interface Format {
  readonly sync: (bytes: Uint8Array, options: Options) => unknown;
  readonly async: (
    bytes: Uint8Array,
    options: Options,
    done: (error: Error | null, result: unknown) => void,
  ) => void;
  /** How many streams may follow each other. Node itself reads all members of a gzip file. */
  readonly maxStreams: number;
}

/**
 * Measured with OTLP bodies on Node 24: 1 MiB of output takes 1 to 4 ms, 20 MiB take 25 ms or more, and a call in the pool costs
 * 0.1 to 0.2 ms, twice the work of an ordinary body.
 */
const syncInputBytes = 256 * 1024;
const syncOutputBytes = 1024 * 1024;
const poolChunkBytes = 256 * 1024;
/** Deflate makes of a byte at most so many, so a longer length is a lie. */
const mostInflation = 1032;

const formats = {
  gzip: { sync: gunzipSync, async: gunzip, maxStreams: 1 },
  zlib: { sync: inflateSync, async: zlibInflate, maxStreams: 1 },
  deflate: { sync: inflateRawSync, async: inflateRaw, maxStreams: 1 },
  // Parallel compressors write several frames. Each costs a new decoder, so their number must be bounded: a body could
  // contain millions of empty ones.
  zstd: { sync: zstdDecompressSync, async: zstdDecompress, maxStreams: 64 },
} as const satisfies Record<string, Format>;

function formatOf(encoding: Exclude<ContentEncoding, "identity">, bytes: Uint8Array): Format {
  switch (encoding) {
    case "gzip":
      return formats.gzip;
    case "zstd":
      return formats.zstd;
    case "zlib":
    case "deflate":
      return hasZlibHeader(bytes) ? formats.zlib : formats.deflate;
    default: {
      const never: never = encoding;
      return never;
    }
  }
}

/** RFC 1950: method 8 in the low bits of the first byte, both bytes together a multiple of 31. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && ((first << 8) | second) % 31 === 0;
}

function inflateHere(bytes: Uint8Array, format: Format, maxBytes: number): InflateResult {
  const output = new Output(bytes, maxBytes);
  const chunkBytes = firstChunkBytes(bytes, format);
  try {
    for (let stream = 0; stream < format.maxStreams && !output.isComplete; stream++) {
      output.add(format.sync(output.rest, output.options(chunkBytes)));
    }
    return output.result();
  } catch (error) {
    return problemOf(error);
  }
}

async function inflateInPool(
  bytes: Uint8Array,
  format: Format,
  maxBytes: number,
): Promise<InflateResult> {
  const output = new Output(bytes, maxBytes);
  try {
    for (let stream = 0; stream < format.maxStreams && !output.isComplete; stream++) {
      const step = await new Promise<unknown>((resolve, reject) => {
        format.async(output.rest, output.options(poolChunkBytes), (error, result) =>
          error === null ? resolve(result) : reject(error),
        );
      });
      output.add(step);
    }
    return output.result();
  } catch (error) {
    return problemOf(error);
  }
}

/** The output so far, and the rest of the input. */
class Output {
  readonly #input: Uint8Array;
  readonly #maxBytes: number;
  readonly #parts: Uint8Array[] = [];
  #consumed = 0;
  #length = 0;
  #streams = 0;

  constructor(input: Uint8Array, maxBytes: number) {
    this.#input = input;
    this.#maxBytes = maxBytes;
  }

  get rest(): Uint8Array {
    return this.#input.subarray(this.#consumed);
  }

  /** An empty input is not a complete stream. */
  get isComplete(): boolean {
    return this.#streams > 0 && this.#consumed === this.#input.length;
  }

  options(chunkSize: number): Options {
    return {
      info: true,
      chunkSize,
      maxOutputLength: Math.max(1, this.#maxBytes - this.#length),
      params: { [constants.ZSTD_d_windowLogMax]: windowLogOf(this.#maxBytes) },
    };
  }

  add(result: unknown): void {
    const { bytes, consumed } = stepOf(result);
    this.#parts.push(bytes);
    this.#length += bytes.length;
    this.#consumed += consumed;
    this.#streams += 1;
  }

  result(): InflateResult {
    if (this.#length > this.#maxBytes) {
      return tooLarge;
    }
    if (!this.isComplete) {
      return corrupt;
    }
    const [only] = this.#parts;
    const isOne = only !== undefined && this.#parts.length === 1;
    return { ok: true, bytes: withoutSlack(isOne ? only : Buffer.concat(this.#parts)) };
  }
}

const tooLarge: InflateResult = { ok: false, problem: "too_large" };
const corrupt: InflateResult = { ok: false, problem: "corrupt" };

/** Reads the result of node:zlib with `info: true`, whose declared types describe only the result without it. */
function stepOf(result: unknown): { readonly bytes: Uint8Array; readonly consumed: number } {
  if (
    typeof result === "object" &&
    result !== null &&
    "buffer" in result &&
    result.buffer instanceof Uint8Array &&
    "engine" in result &&
    typeof result.engine === "object" &&
    result.engine !== null &&
    "bytesWritten" in result.engine &&
    typeof result.engine.bytesWritten === "number"
  ) {
    return { bytes: result.buffer, consumed: result.engine.bytesWritten };
  }
  throw new TypeError("node:zlib did not report how much of its input it used.");
}

function problemOf(error: unknown): InflateResult {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ERR_BUFFER_TOO_LARGE" || code === "ZSTD_error_frameParameter_windowTooLarge") {
    return tooLarge;
  }
  if (code.startsWith("Z_") || code.startsWith("ZSTD_")) {
    return corrupt;
  }
  throw error;
}

/**
 * One chunk for the whole output is fastest and leaves no slack. A gzip file ends with its length, which is used only as a
 * hint.
 */
function firstChunkBytes(bytes: Uint8Array, format: Format): number {
  let hint = bytes.length * 8;
  if (format === formats.gzip && bytes.length >= 18) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    hint = Math.min(view.getUint32(bytes.length - 4, true), bytes.length * mostInflation);
  }
  return Math.min(Math.max(hint + 64, 1024), syncOutputBytes + 64);
}

/** A frame may request a window of gigabytes; one larger than the allowed output is never needed. */
function windowLogOf(maxBytes: number): number {
  return Math.min(31, Math.max(23, Math.ceil(Math.log2(maxBytes))));
}
