/** The kind of work that a span is. `other` is no work: it only links a marker to its owner. */
export const workKinds = { other: 0, run: 1, tool: 2, modelCall: 3 } as const;

export type WorkKind = (typeof workKinds)[keyof typeof workKinds];

/** The values of the attribute `openclaw.kind`, by `WorkKind`; `other` is never counted. */
export const kindNames = ["other", "run", "tool", "model_call"] as const;

/** Narrows a number out of a column. */
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

/** What made progress last; the values of `openclaw.lastSignal`. */
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

/** How many tool names are distinguished. The number after it stands for all others. */
export const maxToolNames = 1000;
