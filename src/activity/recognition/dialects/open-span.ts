import { dialects } from "../../model/dialects.ts";
import type { SpanDialect } from "./span-dialect.ts";

/** S1, a live span: it has no end time, so its work is open. A span without an end from one that sends no live spans is forwarded as it came. */
export const openSpan: SpanDialect = {
  dialect: dialects.liveSpan.storedId,
  isAlwaysStart: true,
  isFinished: false,
  consumption: "from_live_sender",
  amend: undefined,
};
