import { OldestFirstMap } from "../../src/collections/oldest-first-map.ts";
import type { Pseudonyms } from "./pseudonyms.ts";

/** The ids by which an event can refer to its session, all raw. */
export interface SessionReference {
  readonly sessionKey: string | undefined;
  readonly sessionId: string | undefined;
  readonly runId: string | undefined;
}

/**
 * Gives one session one pseudonym, whichever of its ids an event contains. The session key is the lasting id. An event with
 * only a session id or a run id gets the pseudonym first seen with that id, and so does a key that appears with it later.
 * At more than 2 048 ids of one kind the oldest is forgotten.
 */
export class SessionNames {
  readonly #pseudonyms: Pseudonyms;
  /** By raw key. This also saves a hash for every event. */
  readonly #ofKey = new OldestFirstMap<string, string>(2_048);
  readonly #ofId = new OldestFirstMap<string, string>(2_048);
  readonly #ofRun = new OldestFirstMap<string, string>(2_048);

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

/** The first pseudonym of an id stays, so that an end gets the session of its start. */
function remember(names: OldestFirstMap<string, string>, raw: string | undefined, session: string) {
  if (raw !== undefined && names.get(raw) === undefined) {
    names.set(raw, session);
  }
}
