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

/** What a page of health says when all faults are over. Of a storage that was damaged it may say that it lacks its end. */
export function judgeHealed({
  path,
  status,
  text,
  wasDamaged,
}: {
  readonly path: string;
  readonly status: number;
  readonly text: string;
  readonly wasDamaged: boolean;
}): readonly Contradiction[] {
  const isHonest = wasDamaged && path === "/ready" && onlyLacksItsEnd(text);
  return status === 200 || (status === 503 && isHonest)
    ? []
    : [{ about: "health", what: `${path} answers ${status} when all is well: ${text}` }];
}

function onlyLacksItsEnd(text: string): boolean {
  const errors: Readonly<Record<string, string>> = JSON.parse(text).errors ?? {};
  return (
    Object.keys(errors).length > 0 &&
    Object.entries(errors).every(
      ([component, error]) =>
        component.startsWith("processor:session_activity") &&
        error.startsWith("The end of the stored state was missing at the start"),
    )
  );
}
