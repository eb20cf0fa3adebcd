/**
 * What one request may hold, whatever its encoding and the way on which it comes. No sender of telemetry comes near these limits; they bound
 * the time and the memory that a small body can take when it is made for that. `src/receivers/otlp/README.md` has them as a table.
 */
export const requestLimits = {
  /** Spans, log records or metrics. Data points are counted as messages. */
  records: 524_288,
  /** Messages, from resources to attributes, that a request may have whatever its size. */
  freeMessages: 100_000,
  /**
   * Beyond those, a message for each six bytes of the request. One that is not empty has more: tag, length, and a field with content. So only
   * a request of messages that are empty gets here, by the hundred thousand.
   */
  bytesPerMessage: 6,
  /** Arrays and objects in JSON that nest. What nests more than 100 messages deep costs its record only, but every level takes time and stack. */
  jsonDepth: 200_000,
} as const;

/** A limit that a request exceeds. `message` names it, for the sender, and quotes nothing of the request. */
export interface OverLimit {
  readonly ok: false;
  readonly problem: "too_complex";
  readonly message: string;
}

export function overLimit(limit: keyof typeof sentences): OverLimit {
  return {
    ok: false,
    problem: "too_complex",
    message: `The request has too much in it: ${sentences[limit]}.`,
  };
}

const { records, freeMessages, bytesPerMessage, jsonDepth } = requestLimits;

const sentences = {
  records: `at most ${records} spans, log records or metrics are accepted. Send smaller batches`,
  messages: `beyond ${freeMessages} messages (resources, scopes, records, data points, attributes …) there must be ${bytesPerMessage} bytes for each. Leave out what is empty`,
  jsonDepth: `arrays and objects in JSON may nest ${jsonDepth} deep`,
} as const;
