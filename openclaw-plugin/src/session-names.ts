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
 * a session id or a run id gets the key that was last seen with it.
 */
export class SessionNames {
  readonly #pseudonyms: Pseudonyms;
  /** By raw key. Saves a hash for every event. */
  readonly #ofKey = new BoundedMap<string, string>(2_048);
  readonly #ofId = new BoundedMap<string, string>(2_048);
  readonly #ofRun = new BoundedMap<string, string>(2_048);

  constructor(pseudonyms: Pseudonyms) {
    this.#pseudonyms = pseudonyms;
  }

  ofKey(sessionKey: string): string {
    const known = this.#ofKey.get(sessionKey);
    if (known !== undefined) {
      return known;
    }
    const pseudonym = this.#pseudonyms.session(`key ${sessionKey}`);
    this.#ofKey.set(sessionKey, pseudonym);
    return pseudonym;
  }

  of({ sessionKey, sessionId, runId }: SessionReference): string {
    const session =
      sessionKey !== undefined
        ? this.ofKey(sessionKey)
        : ((sessionId === undefined ? undefined : this.#ofId.get(sessionId)) ??
          (runId === undefined ? undefined : this.#ofRun.get(runId)) ??
          this.#pseudonyms.session(`id ${sessionId ?? runId ?? ""}`));
    if (sessionId !== undefined && this.#ofId.get(sessionId) !== session) {
      this.#ofId.set(sessionId, session);
    }
    if (runId !== undefined && this.#ofRun.get(runId) !== session) {
      this.#ofRun.set(runId, session);
    }
    return session;
  }
}
