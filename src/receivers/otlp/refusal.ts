import type { RefusalReason } from "./request-instruments.ts";

/** The refusal of a request that does not become a payload. `message` quotes nothing of the request. */
export interface Refusal {
  readonly refused: RefusalReason;
  readonly message: string;
}

export function refusal(refused: RefusalReason, message: string): Refusal {
  return { refused, message };
}
