import { type ActivityLimits, mostSearchedTogether } from "../../model/limits.ts";

/** Of more work than searches read together, so much is read for each ms until it is decided again. */
const readPerMs = 10;

/**
 * When `count` pieces of work are decided again of which one is due at `nextMs`: where they are many, later, for several of them
 * together, since each decision reads all of them.
 */
export function nextDecisionMs(
  limits: ActivityLimits,
  count: number,
  nextMs: number,
  atMs: number,
): number {
  const isCrowded = count > mostSearchedTogether(limits);
  return isCrowded ? Math.max(nextMs, atMs + Math.ceil(count / readPerMs)) : nextMs;
}
