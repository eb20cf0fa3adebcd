import type { Contradiction } from "./contradiction.ts";

/** A span, log record or data point that a sender has sent. */
export interface SentItem {
  readonly digest: string;
  readonly sender: string;
  /** Whether the collector has answered for it: then it must be delivered. */
  isAnswered: boolean;
  /** When it was answered for the first time, on the clock of the process. */
  answeredMs?: number;
  /** A hostile request holds it: it may arrive or not. */
  readonly isForeign?: true;
}

/** An item that backends have. */
export interface DeliveredItem {
  times: number;
  /** What it looked like, each form once. */
  readonly digests: Set<string>;
}

export interface DeliveryFigures {
  readonly answered: number;
  readonly delivered: number;
  readonly repeated: number;
  /** Delivered though nobody was told so: the answer was lost. */
  readonly unanswered: number;
  readonly missing: number;
  readonly altered: number;
  /** The backend said that it would never take them. */
  readonly refused: number;
}

const mostListed = 5;

/** What was answered with success is at a backend, unaltered; and what backends have was sent by somebody. */
export function judgeDelivery(
  sent: ReadonlyMap<string, SentItem>,
  delivered: ReadonlyMap<string, DeliveredItem>,
  refused: ReadonlySet<string>,
  beganMs = 0,
): { readonly contradictions: readonly Contradiction[]; readonly figures: DeliveryFigures } {
  const figures = {
    answered: 0,
    delivered: 0,
    repeated: 0,
    unanswered: 0,
    missing: 0,
    altered: 0,
    refused: 0,
  };
  const toS = (ms: number) => ((ms - beganMs) / 1000).toFixed(2);
  const missing: string[] = [];
  const altered: string[] = [];
  for (const [id, { digest, sender, isAnswered, answeredMs = 0, isForeign }] of sent) {
    const item = delivered.get(id);
    if (isForeign === true) {
      continue;
    }
    figures.answered += isAnswered ? 1 : 0;
    if (item === undefined) {
      if (isAnswered && refused.has(id)) {
        figures.refused++;
      } else if (isAnswered) {
        figures.missing++;
        missing.push(`${id} of ${sender}, answered at ${toS(answeredMs)} s`);
      }
      continue;
    }
    figures.delivered++;
    figures.repeated += item.times - 1;
    figures.unanswered += isAnswered ? 0 : 1;
    if (item.digests.size !== 1 || !item.digests.has(digest)) {
      figures.altered++;
      altered.push(`${id} of ${sender}`);
    }
  }
  const invented = [...delivered.keys()].filter((id) => !sent.has(id));
  const listed = (ids: readonly string[]) => ids.slice(0, mostListed).join(", ");
  const contradictions: Contradiction[] = [
    [missing, "items were answered with success and are at no backend"] as const,
    [altered, "items were altered on their way"] as const,
    [invented, "items are at a backend and were sent by nobody"] as const,
  ]
    .filter(([ids]) => ids.length > 0)
    .map(([ids, what]) => ({ about: "delivery", what: `${ids.length} ${what}: ${listed(ids)}` }));
  return { contradictions, figures };
}
