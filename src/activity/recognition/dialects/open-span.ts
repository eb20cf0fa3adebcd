import { dialects } from "../../model/dialects.ts";
import type { SpanDialect } from "./span-dialect.ts";

/** S1, a live span: it has no end time, so its work is open. */
export const openSpan: SpanDialect = {
  dialect: dialects.liveSpan.storedId,
  isAlwaysStart: true,
  isFinished: false,
  consumption: "always",
  amend: undefined,
};
