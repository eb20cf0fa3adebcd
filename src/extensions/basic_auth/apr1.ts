import { createHash } from "node:crypto";

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Which bytes of the digest make each group of four characters; the last byte makes the last two. */
const groups = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const;

/**
 * The hash of a password in the form of Apache, `$apr1$salt$…`, with the salt of `stored`. The algorithm is that of `apr_md5_encode`; it takes
 * about a millisecond, and there is no library for it that is kept up.
 */
export function apr1(password: string, stored: string): string {
  const salt = stored.split("$")[2] ?? "";
  const secret = Buffer.from(password);
  const inner = md5(secret, salt, secret);
  const first: (Uint8Array | string)[] = [secret, "$apr1$", salt];
  for (let left = secret.length; left > 0; left -= 16) {
    first.push(inner.subarray(0, Math.min(left, 16)));
  }
  for (let bits = secret.length; bits > 0; bits >>= 1) {
    first.push(bits % 2 === 1 ? Buffer.alloc(1) : secret.subarray(0, 1));
  }
  let digest = md5(...first);
  for (let round = 0; round < 1_000; round += 1) {
    const isOdd = round % 2 === 1;
    digest = md5(
      isOdd ? secret : digest,
      round % 3 === 0 ? "" : salt,
      round % 7 === 0 ? "" : secret,
      isOdd ? digest : secret,
    );
  }
  return `$apr1$${salt}$${encoded(digest)}`;
}

function md5(...parts: readonly (Uint8Array | string)[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) {
    hash.update(part);
  }
  return hash.digest();
}

function encoded(digest: Buffer): string {
  const characters = (value: number, count: number) =>
    Array.from({ length: count }, (_, index) => alphabet[(value >> (6 * index)) & 63]).join("");
  return [
    ...groups.map(([high, middle, low]) =>
      characters(
        (digest.readUInt8(high) << 16) | (digest.readUInt8(middle) << 8) | digest.readUInt8(low),
        4,
      ),
    ),
    characters(digest.readUInt8(11), 2),
  ].join("");
}
