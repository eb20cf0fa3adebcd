import { dialects } from "../../model/dialects.ts";
import { relayScopeName } from "./sender-scopes.ts";
import type { ScopeDialect } from "./span-dialect.ts";

/** S0, a span of our plugin for OpenClaw: a start without an end time, an end with one. */
export const relaySpan: ScopeDialect = {
  dialect: dialects.relay.storedId,
  scope: relayScopeName,
  isAlwaysStart: false,
  isFinished: false,
  consumption: "always",
  amend: undefined,
};
