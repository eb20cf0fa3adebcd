const maxTries = 2_000;

/** A shorter input for which `fails` holds, too, by leaving parts out: halves first, then single bytes. */
export async function minimized(
  input: Uint8Array,
  fails: (input: Uint8Array) => Promise<boolean>,
): Promise<Uint8Array> {
  let shortest = input;
  let tries = 0;
  for (
    let size = Math.ceil(input.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < shortest.length && tries < maxTries; ) {
      tries += 1;
      const shorter = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + size)]);
      if (await fails(shorter)) {
        shortest = shorter;
      } else {
        at += size;
      }
    }
  }
  return Uint8Array.from(shortest);
}
