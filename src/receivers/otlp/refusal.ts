/** Why a request was answered but did not reach a pipeline, over any transport. Label values come only from closed lists. */
export const refusalReasons = [
  "unknown_path",
  "no_pipeline",
  "method",
  "content_type",
  "content_encoding",
  "too_large",
  "too_complex",
  "undecodable",
  "busy",
  "fault",
  "unknown_host",
  "unauthenticated",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

/** The refusal of a request that does not become a payload. `message` quotes nothing of the request. */
export interface Refusal<R extends string = RefusalReason> {
  readonly status: "refused";
  readonly reason: R;
  readonly message: string;
}

export function refusal<R extends string>(reason: R, message: string): Refusal<R> {
  return { status: "refused", reason, message };
}
