import { promisify } from "node:util";
import { constants, deflate, gzip, zstdCompress } from "node:zlib";

/** How requests to a backend are compressed; also the `Content-Encoding` of HTTP. */
export type Compression = "gzip" | "zstd" | "zlib" | "deflate" | "none";

/** The highest level of each compression; the lowest is 1. */
export const highestLevels = {
  gzip: 9,
  zstd: 22,
  zlib: 9,
  deflate: 9,
} as const satisfies Record<Exclude<Compression, "none">, number>;

const compressGzip = promisify(gzip);
const compressZlib = promisify(deflate);
const compressZstd = promisify(zstdCompress);

/**
 * The compressed bytes; the same bytes if there is no compression. Without a level, that of the compression is used. It works in the
 * thread pool.
 */
export async function compress(
  bytes: Uint8Array,
  compression: Compression,
  level?: number,
): Promise<Uint8Array> {
  const options = level === undefined ? {} : { level };
  switch (compression) {
    case "gzip":
      return compressGzip(bytes, options);
    case "zlib":
    case "deflate":
      // HTTP's deflate is the format of zlib (RFC 9110, 8.4.1.2). The Collector sends it under either name.
      return compressZlib(bytes, options);
    case "zstd":
      return compressZstd(
        bytes,
        level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
      );
    case "none":
      return bytes;
    default: {
      const never: never = compression;
      return never;
    }
  }
}
