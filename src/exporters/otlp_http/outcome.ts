import type { AttemptResult } from "../../delivery/attempt.ts";
import { failureReason, isOtherProtocol, proxyFailureReason } from "../../net/failure-reasons.ts";
import type { Signal } from "../../otlp/payload.ts";
import { retryAfterMsOf } from "../../sender/retry-after.ts";
import { type Answer, type AnswerContent, contentOf } from "./backend-answer.ts";

/** How a request ended, as far as the sender must know. */
export type SendOutcome =
  | {
      readonly kind: "answered";
      readonly status: number;
      readonly retryAfter: string | undefined;
      readonly answer: Answer;
    }
  | { readonly kind: "timeout" }
  | { readonly kind: "shutdown" }
  | { readonly kind: "failed"; readonly code: string | undefined }
  | { readonly kind: "failed_at_proxy"; readonly code: string };

export interface OutcomeContext {
  readonly signal: Signal;
  readonly host: string;
  readonly proxyHost?: string | undefined;
  readonly unixMs: number;
  readonly timeoutMs: number;
}

/**
 * The result of an attempt. The statuses that OTLP/HTTP calls retryable are retryable; the same bytes would get every
 * other failure again. The result contains no text of the backend, because that may quote the payload.
 */
export function resultOf(outcome: SendOutcome, context: OutcomeContext): AttemptResult {
  const { host, proxyHost, timeoutMs } = context;
  const way = proxyHost === undefined ? "" : ` through the proxy ${proxyHost}`;
  switch (outcome.kind) {
    case "answered":
      return resultOfStatus(outcome, context);
    case "timeout":
      return retryable(`The backend ${host} did not answer${way} within ${timeoutMs} ms.`);
    case "shutdown":
      return retryable(
        `The request to ${host} was aborted because this collector is shutting down.`,
      );
    case "failed":
      return retryable(
        `The backend ${host} cannot be reached${way}: ${failureReason(outcome.code)}${isOtherProtocol(outcome.code) ? grpcHint : ""}.`,
      );
    case "failed_at_proxy":
      return retryable(
        `The backend ${host} cannot be reached, because of the proxy ${proxyHost ?? ""}: ${proxyFailureReason(outcome.code)}.`,
      );
    default: {
      const never: never = outcome;
      return never;
    }
  }
}

function resultOfStatus(
  { status, retryAfter, answer }: Extract<SendOutcome, { readonly kind: "answered" }>,
  { signal, host, proxyHost, unixMs }: OutcomeContext,
): AttemptResult {
  if (status >= 200 && status < 300) {
    return resultOfAnswer(contentOf(signal, answer));
  }
  if (status === 407 && proxyHost !== undefined) {
    // The backend has not seen the request. A proxy that is asked for a connection ends in the same way.
    return retryable(
      `The backend ${host} cannot be reached, because of the proxy ${proxyHost}: ${proxyFailureReason("PROXY_407")}.`,
    );
  }
  const message = `The backend ${host} answered ${status}${explanations.get(status) ?? ""}.`;
  if (!retryableStatuses.has(status)) {
    return { status: "permanent", message, isContentRefused: contentStatuses.has(status) };
  }
  const retryAfterMs = retryAfterMsOf(retryAfter, unixMs);
  return {
    status: "retryable",
    message,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status === 429 && { throttled: true }),
  };
}

function resultOfAnswer(content: AnswerContent): AttemptResult {
  if (!content.isValid) {
    return { status: "sent", invalidResponse: content.reason };
  }
  return content.rejected > 0
    ? { status: "sent", rejected: { items: content.rejected } }
    : { status: "sent" };
}

/** A server of OTLP/gRPC speaks HTTP/2 only. */
const grpcHint =
  "; if this is a port of OTLP/gRPC, usually 4317, use the exporter otlp_grpc or the port of OTLP/HTTP, usually 4318";

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const retryableStatuses = new Set([429, 502, 503, 504]);

/** The backend cannot read the request, or it is too large. */
const contentStatuses = new Set([400, 413, 422]);

const explanations = new Map([
  [301, " (moved); set the endpoint to where it moved"],
  [302, " (moved); set the endpoint to where it moved"],
  [307, " (moved); set the endpoint to where it moved"],
  [308, " (moved); set the endpoint to where it moved"],
  [400, " (it cannot read the request)"],
  [401, " (not authenticated); check the exporter's headers"],
  [403, " (not allowed); check the exporter's headers"],
  [404, " (no such path); check the endpoint, to which /v1/<signal> is appended"],
  [405, " (no such path); check the endpoint, to which /v1/<signal> is appended"],
  [413, " (too large)"],
  [415, " (it does not take this encoding or compression)"],
  [429, " (too many requests)"],
  [502, " (bad gateway)"],
  [503, " (unavailable)"],
  [504, " (gateway timeout)"],
]);

function retryable(message: string): AttemptResult {
  return { status: "retryable", message };
}
