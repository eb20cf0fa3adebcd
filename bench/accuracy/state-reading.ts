/** What the collector reports about an open run: its verdict, and state and blocked-by of its session. */
export interface RunReading {
  /** Of the outermost run of the owner, in hex. */
  readonly spanId: string;
  readonly state: string;
  readonly blockedBy: string;
  readonly verdict: string;
}

interface Diagnosis {
  readonly spanId: Uint8Array;
  readonly state: string;
  readonly blockedBy: string;
  readonly verdict: string;
}

/**
 * Reads what a component reports about each open run now, from its debugging method `diagnose`. Undefined where it
 * has none.
 */
export function readStates(component: object): readonly RunReading[] | undefined {
  if (!canDiagnose(component)) {
    return undefined;
  }
  return component.diagnose().map(({ spanId, state, blockedBy, verdict }) => ({
    spanId: Buffer.from(spanId).toString("hex"),
    state,
    blockedBy,
    verdict,
  }));
}

function canDiagnose(
  component: object,
): component is { readonly diagnose: () => readonly Diagnosis[] } {
  return "diagnose" in component && typeof component.diagnose === "function";
}
