import { constants, createGzip } from "node:zlib";

/** A gzip stream of so many MiB of zeros: about a thousandth of that in bytes, and never all in memory. */
export async function gzipBomb(mebibytes: number): Promise<Uint8Array> {
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  const parts: Uint8Array[] = [];
  gzip.on("data", (part: Uint8Array) => parts.push(part));
  const ended = new Promise<void>((resolve, reject) => {
    gzip.on("end", resolve);
    gzip.on("error", reject);
  });
  const zeros = new Uint8Array(1 << 20);
  for (let index = 0; index < mebibytes; index++) {
    await new Promise<void>((resolve) => gzip.write(zeros, () => resolve()));
  }
  gzip.end();
  await ended;
  return Buffer.concat(parts);
}
