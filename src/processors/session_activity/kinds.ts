/** What a span is to the machine. `other` is only a link between a marker and its owner. */
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

/** Why a marker was evicted, in order of precedence. */
export const evictionReasons = [
  "orphaned_no_owner",
  "session_ended",
  "process_gone",
  "lease_expired",
  "max_age",
] as const;

export type EvictionReason = (typeof evictionReasons)[number];

export type Confidence = "confirmed" | "probable" | "presumed";

/** How sure an eviction is, by its reason. */
export const confidenceOf: Readonly<Record<EvictionReason, Confidence>> = {
  orphaned_no_owner: "confirmed",
  session_ended: "confirmed",
  process_gone: "confirmed",
  lease_expired: "probable",
  max_age: "presumed",
};
