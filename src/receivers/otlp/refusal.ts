import type { RefusalReason } from "./request-instruments.ts";

/** A request that becomes no payload. `message` is ours and quotes nothing of the request. */
export interface Refusal {
  readonly refused: RefusalReason;
  readonly message: string;
}

export function refusal(refused: RefusalReason, message: string): Refusal {
  return { refused, message };
}
