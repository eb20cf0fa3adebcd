import { datadogPartial } from "./datadog-partial.ts";
import { finishedSpan } from "./finished-span.ts";
import { liveSpanEnd } from "./live-span-end.ts";
import { logfirePending } from "./logfire-pending.ts";
import { openSpan } from "./open-span.ts";
import { relaySpan } from "./relay-span.ts";
import type { AttributeDialect, ScopeDialect } from "./span-dialect.ts";

/** The forms that a scope marks. They come before all others. */
export const scopeDialects: readonly ScopeDialect[] = [relaySpan];

/** The forms that an attribute marks. Of several marks the first attribute of the span counts. */
export const attributeDialects: readonly AttributeDialect[] = [
  datadogPartial,
  logfirePending,
  liveSpanEnd,
];

/** The forms of all other spans: without an end, and with one. */
export const unmarkedDialects = { open: openSpan, finished: finishedSpan } as const;
