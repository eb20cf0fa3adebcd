import { signalFlags } from "../model/signal-batch.ts";
import { type WorkKind, workKinds } from "../model/work.ts";

/** What a span is to the engine. */
export interface SpanClass {
  readonly kind: WorkKind;
  /** Bits of `signalFlags`. */
  readonly flags: number;
  /** Work only when the span has no parent. Below another span it is a step, which is no work. */
  readonly isRootOnly: boolean;
  /** A tool whose span has the tool's name, if no attribute has it. */
  readonly isNamedBySpan: boolean;
  /** No work, and always directly inside a tool. */
  readonly isToolPart: boolean;
  /** Nothing says what the span is, so it counts as no work. */
  readonly isUndecided: boolean;
}

/** Creates a class. Every class is created here, so that all have one shape in the code that reads one for each span. */
export function spanClass(
  kind: WorkKind,
  {
    flags = 0,
    isRootOnly = false,
    isNamedBySpan = false,
    isToolPart = false,
    isUndecided = false,
  }: Partial<SpanClass> = {},
): SpanClass {
  return { kind, flags, isRootOnly, isNamedBySpan, isToolPart, isUndecided };
}

/** The classes that more than one table uses. */
export const spanClasses = {
  notWork: spanClass(workKinds.other),
  undecided: spanClass(workKinds.other, { isUndecided: true }),
  run: spanClass(workKinds.run),
  rootRun: spanClass(workKinds.run, { isRootOnly: true }),
  tool: spanClass(workKinds.tool),
  namedTool: spanClass(workKinds.tool, { isNamedBySpan: true }),
  modelCall: spanClass(workKinds.modelCall),
} as const;

export function isWork({ kind }: SpanClass): boolean {
  return kind !== workKinds.other;
}

export function isRun({ kind }: SpanClass): boolean {
  return kind === workKinds.run;
}

export function isModelCall({ kind }: SpanClass): boolean {
  return kind === workKinds.modelCall;
}

/** Whether it is a harness run of OpenClaw. */
export function isHarnessRun({ flags }: SpanClass): boolean {
  return (flags & signalFlags.harness) !== 0;
}
