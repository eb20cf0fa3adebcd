import { claimEvents } from "./claim-events.ts";
import { entityEvents } from "./entity-events.ts";
import type { LogDialect } from "./log-dialect.ts";
import { partialLog } from "./partial-log.ts";
import { pauseEvents } from "./pause-events.ts";
import { sessionEvents } from "./session-events.ts";
import { spanStateLog } from "./span-state-log.ts";
import { otherUnwatched, preloadUnwatched, relayUnwatched } from "./unwatched-events.ts";

/** Every format of log records that is read. A record is read as the first that matches it; event names come before attributes. */
export const logDialects: readonly LogDialect[] = [
  entityEvents,
  sessionEvents,
  pauseEvents,
  claimEvents,
  relayUnwatched,
  preloadUnwatched,
  otherUnwatched,
  partialLog,
  spanStateLog,
];
