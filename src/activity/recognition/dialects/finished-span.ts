import { dialects } from "../../model/dialects.ts";
import type { SpanDialect } from "./span-dialect.ts";

/** An ordinary span, which an SDK exports when it has ended. */
export const finishedSpan: SpanDialect = {
  dialect: dialects.span.storedId,
  isAlwaysStart: false,
  isFinished: true,
  consumption: "never",
  amend: undefined,
};
