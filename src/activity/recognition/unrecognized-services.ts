import { OldestFirstMap } from "../../collections/oldest-first-map.ts";
import type { SpanBatch } from "../../otlp/span-batch.ts";

/** After so many spans of which none was work, a service counts as unrecognized. */
export const spansToJudge = 100;
/** The services that sent spans last. */
const maxServices = 256;
/** Longer names count as equal if so many of their bytes are. */
const maxNameBytes = 64;
const withDigit = /[\w-]*\d[\w-]*/g;

interface Service {
  spans: number;
  /** Names of its spans with `#` for every word that has a digit, which may be an id. Empty when they are no longer needed. */
  readonly patterns: Set<string>;
  state: "unknown" | "recognized" | "unrecognized";
}

/**
 * Finds services that send spans and no work: plain services, or agents whose framework no rule knows.
 *
 * Keeps the last 256 services, with at most 100 names of spans for each that is not judged yet. Of a service that has sent work, and of one that is
 * judged, nothing but a look-up for each resource is done.
 */
export class UnrecognizedServices {
  readonly #services = new OldestFirstMap<string, Service>(maxServices);
  readonly #ofProcess = new Map<number, Service>();
  readonly #onUnrecognized: (service: string, patterns: number) => void;
  /** The process that sent work last. */
  #lastWorker = 0;

  /** `onUnrecognized`: a service has sent that many spans, whose names have so many patterns, and no work. */
  constructor(onUnrecognized: (service: string, patterns: number) => void) {
    this.#onUnrecognized = onUnrecognized;
  }

  /** How many services are unrecognized now. */
  get count(): number {
    return [...this.#services.values()].filter(({ state }) => state === "unrecognized").length;
  }

  /** A process of the service sent work. Does next to nothing for one of which that is known. */
  onWork(process: number, serviceOf: (process: number) => string): void {
    if (process === this.#lastWorker) {
      return;
    }
    this.#lastWorker = process;
    const service = this.#find(process, serviceOf);
    service.state = "recognized";
    service.patterns.clear();
  }

  /** The spans from row `from` up to `to` are of the process. Those that are work were reported by `onWork` before. */
  onSpans(
    process: number,
    { spans, from, to }: { readonly spans: SpanBatch; readonly from: number; readonly to: number },
    serviceOf: (process: number) => string,
  ): void {
    const service = this.#find(process, serviceOf);
    if (service.state !== "unknown") {
      return;
    }
    const end = Math.min(to, from + spansToJudge - service.spans);
    for (let row = from; row < end; row++) {
      service.patterns.add(patternOf(spans, row));
    }
    service.spans += end - from;
    if (service.spans >= spansToJudge) {
      const patterns = service.patterns.size;
      service.state = "unrecognized";
      service.patterns.clear();
      this.#onUnrecognized(serviceOf(process), patterns);
    }
  }

  forgetProcess(process: number): void {
    this.#ofProcess.delete(process);
    this.#lastWorker = 0;
  }

  #find(process: number, serviceOf: (process: number) => string): Service {
    const known = this.#ofProcess.get(process);
    if (known !== undefined) {
      return known;
    }
    const name = serviceOf(process);
    let service = this.#services.get(name);
    if (service === undefined) {
      service = { spans: 0, patterns: new Set(), state: "unknown" };
      const forgotten = this.#services.set(name, service);
      if (forgotten !== undefined) {
        this.#forget(forgotten);
      }
    }
    this.#ofProcess.set(process, service);
    return service;
  }

  #forget(service: Service): void {
    for (const [process, of] of this.#ofProcess) {
      if (of === service) {
        this.forgetProcess(process);
      }
    }
  }
}

function patternOf({ bytes, nameStart, nameEnd }: SpanBatch, row: number): string {
  const start = nameStart.get(row);
  const end = Math.min(nameEnd.get(row), start + maxNameBytes);
  return Buffer.from(bytes.subarray(start, end)).toString("latin1").replace(withDigit, "#");
}
