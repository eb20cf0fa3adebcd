/** The kind of work of a span. Stored. `other` is no work: such a span only links a marker to its owner. */
export const workKinds = { other: 0, run: 1, tool: 2, modelCall: 3 } as const;

export type WorkKind = (typeof workKinds)[keyof typeof workKinds];

/** The values of the attribute `openclaw.kind`, indexed by `WorkKind`. `other` is never counted. */
export const kindNames = ["other", "run", "tool", "model_call"] as const;

/** The kind of a number from a column or a record. Unknown numbers are `other`. */
export function toWorkKind(value: number): WorkKind {
  switch (value) {
    case workKinds.run:
      return workKinds.run;
    case workKinds.tool:
      return workKinds.tool;
    case workKinds.modelCall:
      return workKinds.modelCall;
    default:
      return workKinds.other;
  }
}

/** Kinds of progress; the values of `openclaw.lastSignal`. */
export const progressNames = [
  "run.start",
  "run.end",
  "tool.start",
  "tool.end",
  "model_call.start",
  "model_call.end",
  "progress",
  "pause",
  "resume",
] as const;

export type Progress = (typeof progressNames)[number];

/** How many tool names are distinguished. The number after the last one stands for all others. */
export const maxToolNames = 1000;
