import { dialects } from "../../model/dialects.ts";
import { signalTypes } from "../../model/signal-batch.ts";
import { addProcessEvent } from "../event-fields.ts";
import type { LogDialect } from "./log-dialect.ts";
import { preloadScopeName, relayScopeName } from "./sender-scopes.ts";

/** A relay or a preload no longer watches its process, which continues to run. From any other scope it means nothing. */
const unwatchedEvent = {
  eventNames: ["openclaw.activity.unwatched"],
  needles: ["openclaw.activity."],
  consumption: "always",
  read(record, context, signals) {
    addProcessEvent(signalTypes.unwatched, record, context, signals);
  },
} as const satisfies Omit<LogDialect, "dialect">;

export const relayUnwatched: LogDialect = {
  ...unwatchedEvent,
  dialect: dialects.relay.storedId,
  scopes: [relayScopeName],
};

/** Of any other scope it reports nothing, and its record is not read as another dialect's either. */
export const otherUnwatched: LogDialect = {
  ...unwatchedEvent,
  dialect: dialects.liveSpan.storedId,
  consumption: "never",
  read() {},
};

export const preloadUnwatched: LogDialect = {
  ...unwatchedEvent,
  dialect: dialects.liveSpan.storedId,
  scopes: [preloadScopeName],
};
