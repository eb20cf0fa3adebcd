/**
 * The one of `candidates` that the user most likely meant by `name`, or `undefined` when none is near.
 * Near is: the same but for case and separators, a few slips of the keyboard, an abbreviation, or the name with a kind or a unit after
 * it. Any other longer name is a different thing: `prometheusremotewrite` is no `prometheus`.
 */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const plain = plainOf(name);
  if (plain === "") return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(plain.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = slipsBetween(plain, plainOf(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  if (best !== undefined || plain.length < 3) return best;
  return candidates
    .filter((candidate) => plainOf(candidate).length >= 3)
    .filter(
      (candidate) =>
        plainOf(candidate).startsWith(plain) ||
        (plain.startsWith(plainOf(candidate)) &&
          additions.test(plain.slice(plainOf(candidate).length))),
    )
    .toSorted((a, b) => a.length - b.length)[0];
}

const additions =
  /^(receiver|processor|exporter|extension|connector|option|level|value|ing|s|ms|sec|secs|seconds|millis|milliseconds|minutes|bytes|kib|mib|mb|percent|percentage)$/;

function plainOf(name: string): string {
  // Names are short; a long text is not a misspelled name.
  return name.slice(0, 100).toLowerCase().replaceAll(/[-_ ]/g, "");
}

/**
 * Edit distance where swapping two neighbours is one slip (optimal string alignment). The libraries that are kept
 * up (leven, fastest-levenshtein) count a swap as two, so that `oltp` would be too far from `otlp`.
 */
function slipsBetween(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let slips = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        slips = Math.min(slips, at(beforeLast, j - 2) + 1);
      }
      row.push(slips);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
