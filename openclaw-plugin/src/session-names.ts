import { BoundedMap } from "./bounded-map.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

/** What an event can say about the session it belongs to, all raw. */
export interface SessionReference {
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  readonly runId: string | undefined;
}

/**
 * One pseudonym for one session, however an event speaks of it. The session key is what stays; an event that has only
 * a session id or a run id gets what was first seen with that, and a key that comes later joins it.
 */
export class SessionNames {
  readonly #pseudonyms: Pseudonyms;
  /** By raw key. Saves a hash for every event, too. */
  readonly #ofKey = new BoundedMap<string, string>(2_048);
  readonly #ofId = new BoundedMap<string, string>(2_048);
  readonly #ofRun = new BoundedMap<string, string>(2_048);

  constructor(pseudonyms: Pseudonyms) {
    this.#pseudonyms = pseudonyms;
  }

  ofKey(sessionKey: string): string {
    return this.of({ sessionKey, sessionId: undefined, runId: undefined });
  }

  of({ sessionKey, sessionId, runId }: SessionReference): string {
    const known =
      this.#ofKey.get(sessionKey ?? "") ??
      this.#ofId.get(sessionId ?? "") ??
      (sessionKey === undefined ? this.#ofRun.get(runId ?? "") : undefined);
    const session = known ?? this.#pseudonyms.session(sessionKey ?? sessionId ?? runId ?? "");
    remember(this.#ofKey, sessionKey, session);
    remember(this.#ofId, sessionId, session);
    remember(this.#ofRun, runId, session);
    return session;
  }
}

/** What was first said stays, so that an end is found where its start was. */
function remember(names: BoundedMap<string, string>, raw: string | undefined, session: string) {
  if (raw !== undefined && names.get(raw) === undefined) {
    names.set(raw, session);
  }
}
