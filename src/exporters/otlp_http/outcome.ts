import type { AttemptResult } from "../../delivery/attempt.ts";
import { retryAfterMsOf } from "../../sender/retry-after.ts";

/** How a request ended, as far as the sender must know. */
export type SendOutcome =
  | { readonly kind: "answered"; readonly status: number; readonly retryAfter: string | undefined }
  | { readonly kind: "timeout" }
  | { readonly kind: "shutdown" }
  | { readonly kind: "failed"; readonly code: string | undefined };

/**
 * The result of an attempt. The statuses that OTLP/HTTP calls retryable are retryable; the same bytes would get every
 * other failure again. The result contains no text of the backend, because that may quote the payload.
 */
export function resultOf(
  outcome: SendOutcome,
  { host, unixMs, timeoutMs }: { host: string; unixMs: number; timeoutMs: number },
): AttemptResult {
  switch (outcome.kind) {
    case "answered":
      return resultOfStatus(outcome, host, unixMs);
    case "timeout":
      return retryable(`The backend ${host} did not answer within ${timeoutMs} ms.`);
    case "shutdown":
      return retryable(
        `The request to ${host} was aborted because this collector is shutting down.`,
      );
    case "failed":
      return retryable(`The backend ${host} cannot be reached: ${reasonOf(outcome.code)}.`);
    default: {
      const never: never = outcome;
      return never;
    }
  }
}

function resultOfStatus(
  { status, retryAfter }: { status: number; retryAfter: string | undefined },
  host: string,
  unixMs: number,
): AttemptResult {
  if (status >= 200 && status < 300) {
    return { status: "sent" };
  }
  const message = `The backend ${host} answered ${status}${explanations.get(status) ?? ""}.`;
  if (!retryableStatuses.has(status)) {
    return { status: "permanent", message };
  }
  const retryAfterMs = retryAfterMsOf(retryAfter, unixMs);
  return {
    status: "retryable",
    message,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(status === 429 && { throttled: true }),
  };
}

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const retryableStatuses = new Set([429, 502, 503, 504]);

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
  [415, " (it does not take protobuf, or not this compression)"],
  [429, " (too many requests)"],
  [502, " (bad gateway)"],
  [503, " (unavailable)"],
  [504, " (gateway timeout)"],
]);

function retryable(message: string): AttemptResult {
  return { status: "retryable", message };
}

function reasonOf(code: string | undefined): string {
  return reasons.get(code ?? "") ?? `the request failed (${code ?? "no code"})`;
}

const reasons = new Map([
  ["ECONNREFUSED", "the connection was refused"],
  ["ECONNRESET", "it closed the connection without an answer"],
  ["EPIPE", "it closed the connection without an answer"],
  ["UND_ERR_SOCKET", "it closed the connection without an answer"],
  ["HTTPParserError", "its answer is not HTTP"],
  ["ENOTFOUND", "the host name cannot be resolved"],
  ["EAI_AGAIN", "the host name cannot be resolved at the moment"],
  ["EHOSTUNREACH", "there is no route to it"],
  ["ENETUNREACH", "there is no route to it"],
  ["ETIMEDOUT", "connecting took too long"],
  ["UND_ERR_CONNECT_TIMEOUT", "connecting took too long"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "its certificate is self-signed"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate is self-signed"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its certificate cannot be verified"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "its certificate cannot be verified"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another host"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "it does not speak TLS; try http:// instead of https://"],
]);
