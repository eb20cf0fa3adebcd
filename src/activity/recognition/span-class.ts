import type { WorkKind } from "../model/work.ts";

/** What a span is to the machine. */
export interface SpanClass {
  readonly kind: WorkKind;
  /** Bits of `signalFlags`. */
  readonly flags: number;
  /** Work only when the span has no parent. Below one it is a step: a frame around work, none itself. */
  readonly isRootOnly: boolean;
  /** A tool whose span has its name, when no attribute tells it. */
  readonly isNamedBySpan: boolean;
  /** No work, and always directly inside a tool. */
  readonly isToolPart: boolean;
}

/** Every class is made here, so that all have one shape to the machine code that asks each span's. */
export function spanClass(
  kind: WorkKind,
  {
    flags = 0,
    isRootOnly = false,
    isNamedBySpan = false,
    isToolPart = false,
  }: Partial<SpanClass> = {},
): SpanClass {
  return { kind, flags, isRootOnly, isNamedBySpan, isToolPart };
}
