import type { SpanBatch } from "../../otlp/span-batch.ts";
import { type WorkKind, workKinds } from "../model/work.ts";

/**
 * Instrumentations that set the status of every span that succeeds to OK and of every span that raises to an error, as
 * OpenInference requires. Others leave the status of a span that succeeded unset.
 */
const prefixes = ["openinference.instrumentation.", "@arizeai/openinference-instrumentation-"];
const maxScopes = 64;
const okStatus = 1;

/**
 * Finds runs that neither succeeded nor failed, because they were cancelled: those without a status, in a scope that sets one
 * on tools or model calls. Keeps the names of at most 64 such scopes; runs of any further scope count as neither cancelled nor
 * failed.
 */
export class ScopeOutcomes {
  readonly #setting = new Set<string>();

  /** Records a finished span. Returns whether it is a run that was cancelled. */
  isAborted(spans: SpanBatch, row: number, kind: WorkKind): boolean {
    const status = spans.statusCode.get(row);
    const isRun = kind === workKinds.run;
    if (isRun ? status !== 0 : status !== okStatus || kind === workKinds.other) {
      return false;
    }
    const scope = scopeOf(spans, row);
    if (scope === undefined) {
      return false;
    }
    if (!isRun && this.#setting.size < maxScopes) {
      this.#setting.add(scope);
    }
    return isRun && this.#setting.has(scope);
  }
}

function scopeOf(spans: SpanBatch, row: number): string | undefined {
  const start = spans.scopeNameStart.get(row);
  const first = spans.bytes[start];
  if (first !== prefixes[0]?.charCodeAt(0) && first !== prefixes[1]?.charCodeAt(0)) {
    return undefined;
  }
  const scope = Buffer.from(spans.bytes.subarray(start, spans.scopeNameEnd.get(row))).toString();
  return prefixes.some((prefix) => scope.startsWith(prefix)) ? scope : undefined;
}
