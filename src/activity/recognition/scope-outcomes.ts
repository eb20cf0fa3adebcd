import type { SpanBatch } from "../../otlp/span-batch.ts";
import { type WorkKind, workKinds } from "../model/work.ts";

/**
 * Instrumentations that set the status of every span that succeeds to OK and of every span that raises to an error, as
 * OpenInference requires. Others leave the status of a span that succeeded unset.
 */
const prefixes = ["openinference.instrumentation.", "@arizeai/openinference-instrumentation-"];
const maxScopes = 64;
/** Longer names are of no instrumentation. */
const maxNameBytes = 512;
const okStatus = 1;

/**
 * Finds runs that neither succeeded nor failed, because they were cancelled: those without a status, in a scope that sets one
 * on tools or model calls. Keeps the names of at most 64 such scopes; runs of any further scope count as neither cancelled nor
 * failed.
 */
export class ScopeOutcomes {
  readonly #setting = new Set<string>();
  /** The scope of the last span, which nearly always is that of the next one. */
  #bytes: Uint8Array | undefined;
  #start = -1;
  #scope: string | undefined;

  /** Records a finished span. Returns whether it is a run that was cancelled. */
  isAborted(spans: SpanBatch, row: number, kind: WorkKind): boolean {
    const status = spans.statusCode.get(row);
    const isRun = kind === workKinds.run;
    if (isRun ? status !== 0 : status !== okStatus || kind === workKinds.other) {
      return false;
    }
    const scope = this.#scopeOf(spans, row);
    if (scope === undefined) {
      return false;
    }
    if (!isRun && this.#setting.size < maxScopes) {
      this.#setting.add(scope);
    }
    return isRun && this.#setting.has(scope);
  }

  /** Releases the bytes of the last request. */
  release(): void {
    this.#bytes = undefined;
  }

  /** Its name is read once for all of its spans. */
  #scopeOf(spans: SpanBatch, row: number): string | undefined {
    const start = spans.scopeNameStart.get(row);
    if (start !== this.#start || spans.bytes !== this.#bytes) {
      this.#bytes = spans.bytes;
      this.#start = start;
      this.#scope = scopeOf(spans, row);
    }
    return this.#scope;
  }
}

function scopeOf(spans: SpanBatch, row: number): string | undefined {
  const start = spans.scopeNameStart.get(row);
  const first = spans.bytes[start];
  if (first !== prefixes[0]?.charCodeAt(0) && first !== prefixes[1]?.charCodeAt(0)) {
    return undefined;
  }
  const end = spans.scopeNameEnd.get(row);
  if (end - start > maxNameBytes) {
    return undefined;
  }
  const scope = Buffer.from(spans.bytes.subarray(start, end)).toString();
  return prefixes.some((prefix) => scope.startsWith(prefix)) ? scope : undefined;
}
