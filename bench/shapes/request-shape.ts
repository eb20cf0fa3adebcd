import type { Encoding } from "../../src/otlp/encode.ts";
import type { Signal } from "../../src/otlp/payload.ts";

/** A request as it arrives, inflated. */
export interface ArrivingRequest {
  readonly signal: Signal;
  /** Protobuf, if it is left out. */
  readonly encoding?: Encoding;
  readonly bytes: Uint8Array;
}

/** A kind of request whose content a sender chooses. */
export interface RequestShape {
  readonly title: string;
  /** What the sender sends before; its cost is not counted. `n`: how many items the request has. */
  readonly before?: (n: number) => readonly ArrivingRequest[];
  /** How much time passes after that. */
  readonly waitMs?: number;
  /** The request, with `n` items. */
  readonly request: (n: number) => ArrivingRequest;
}

/** Whole numbers from `from` on. */
export function range(n: number, from = 0): readonly number[] {
  return Array.from({ length: n }, (_, at) => at + from);
}
