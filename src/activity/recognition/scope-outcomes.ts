import type { SpanBatch } from "../../otlp/span-batch.ts";
import { type WorkKind, workKinds } from "../model/work.ts";

/**
 * Instrumentations that set the status of all that succeeds to OK and of all that raises to an error, as OpenInference
 * wants it. Others leave the status of what succeeded unset.
 */
const prefixes = ["openinference.instrumentation.", "@arizeai/openinference-instrumentation-"];
const maxScopes = 64;
const okStatus = 1;

/**
 * Which runs neither succeeded nor failed, because they were cancelled or given up: those without a status, in a scope that
 * was seen to set one on tools or model calls.
 */
export class ScopeOutcomes {
  readonly #setting = new Set<string>();

  /** Takes in a finished span of work; whether it is a run that was broken off. Of more than 64 scopes nothing is known. */
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
