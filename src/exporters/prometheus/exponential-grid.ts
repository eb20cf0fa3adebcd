const lowestExponent = -20;
const highestExponent = 40;

/**
 * The bounds of every exponential histogram on the page: 0, and the powers of two from 2^-20 (a microsecond in seconds) to 2^40 (a
 * tebibyte in bytes). They are the bounds of scale 0, so a histogram of scale 0 or finer fits without any error, whatever its
 * scale becomes, and all series can be added.
 */
export const gridBounds: Float64Array = Float64Array.from(
  { length: highestExponent - lowestExponent + 2 },
  (_, index) => (index === 0 ? 0 : 2 ** (lowestExponent + index - 1)),
);

/** The part of the bound in {@link gridBounds} from which on a bucket counts; the number of bounds for +Inf. */
function cellOfExponent(exponent: number): number {
  if (exponent > highestExponent) {
    return gridBounds.length;
  }
  return Math.max(exponent - lowestExponent + 1, 1);
}

/**
 * The cell of the bucket `index` at `scale`, which is (base^index, base^(index + 1)] with base 2^(2^-scale). A bucket that is wider
 * than a cell counts at its upper bound.
 */
export function cellOfBucket(index: number, scale: number): number {
  return cellOfExponent(Math.ceil((index + 1) * 2 ** -scale));
}

/** The cell of observations between 0 and `threshold`. */
export function cellOfZero(threshold: number): number {
  return threshold > 0 ? cellOfExponent(Math.ceil(Math.log2(threshold))) : 0;
}

/** Turns counts per cell into counts up to each bound, in place: the result is a part of `cells`. */
export function accumulated(cells: Float64Array): Float64Array {
  let sum = 0;
  for (let index = 0; index < gridBounds.length; index++) {
    sum += cells[index] ?? 0;
    cells[index] = sum;
  }
  return cells.subarray(0, gridBounds.length);
}
