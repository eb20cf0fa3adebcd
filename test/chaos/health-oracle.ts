import type { Contradiction } from "./contradiction.ts";

/** What the readiness page said, and what is known of the collector at that moment. */
export interface Readiness {
  readonly status: number;
  readonly text: string;
  /** An id of a sender, in all forms that it could have. */
  readonly canary: string;
  /** The storage has been degraded for longer than it may take to recover. */
  readonly isBroken: boolean;
}

/** The page says 503 while the collector cannot do its job, and speaks of no sender. */
export function judgeReadiness({
  status,
  text,
  canary,
  isBroken,
}: Readiness): readonly Contradiction[] {
  const contradictions: Contradiction[] = [];
  if (isBroken && status !== 503) {
    contradictions.push({
      about: "health",
      what: `/ready answers ${status} while the storage is degraded`,
    });
  }
  if (status !== 200 && status !== 503) {
    contradictions.push({ about: "health", what: `/ready answers ${status}` });
  }
  if (text.includes(canary)) {
    contradictions.push({ about: "leak", what: "a session id is on the page /ready" });
  }
  return contradictions;
}
