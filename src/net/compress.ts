import { promisify } from "node:util";
import { gzip, zstdCompress } from "node:zlib";

/** How requests to a backend are compressed. */
export type Compression = "gzip" | "zstd" | "none";

const compressGzip = promisify(gzip);
const compressZstd = promisify(zstdCompress);

/** The compressed bytes; the same bytes if there is no compression. It works in the thread pool. */
export async function compress(bytes: Uint8Array, compression: Compression): Promise<Uint8Array> {
  switch (compression) {
    case "gzip":
      return compressGzip(bytes);
    case "zstd":
      return compressZstd(bytes);
    case "none":
      return bytes;
    default: {
      const never: never = compression;
      return never;
    }
  }
}
