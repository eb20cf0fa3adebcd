/**
 * What is known of the ids of a message, as bits of one number, so that a check of a message creates no object.
 */

export const traceIdSize = 16;
export const spanIdSize = 8;

// What is known of one id. Of one that comes twice the last one holds.
const usable = 1;
/** All zero, or of a wrong length. */
const unusable = 2;
/** One of them, not necessarily the last, has a wrong length. */
export const misfit = 4;
/** The last one has a wrong length. */
export const misfitLast = 8;
export const traceIdShift = 0;
export const spanIdShift = 4;
export const parentIdShift = 8;
export const misfits =
  (misfit << traceIdShift) | (misfit << spanIdShift) | (misfit << parentIdShift);

/** What is known of the id from `start` up to `end`, which should have `size` bytes; 0 of an empty one. */
export function usabilityOf(view: DataView, start: number, end: number, size: number): number {
  if (end - start !== size) {
    return end === start ? 0 : unusable | misfit | misfitLast;
  }
  let bits = 0;
  for (let at = start; at < end; at += 4) {
    bits |= view.getInt32(at);
  }
  return bits === 0 ? unusable : usable;
}

export function withId(ids: number, usability: number, shift: number): number {
  return (ids & ~((usable | unusable | misfitLast) << shift)) | (usability << shift);
}

export function isUsable(ids: number, shift: number): boolean {
  return (ids & (usable << shift)) !== 0;
}

export function isUnusable(ids: number, shift: number): boolean {
  return (ids & (unusable << shift)) !== 0;
}

export function isMisfit(ids: number, shift: number): boolean {
  return (ids & (misfit << shift)) !== 0;
}
