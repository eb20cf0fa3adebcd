/**
 * Why a connection or a request failed, as the end of a sentence about the server ("it …"), for an operator. `code`: that of the system,
 * of OpenSSL, of Node's HTTP parser or of undici.
 */
export function failureReason(code = "no code"): string {
  const known = reasons.get(code) ?? familyReasons.find(([pattern]) => pattern.test(code))?.[1];
  return known ?? `the request failed (${code})`;
}

/** Whether the code says that the server speaks HTTP/2 only, or no HTTP at all. */
export function isOtherProtocol(code = ""): boolean {
  return /^HPE_|^HTTPParserError$|ALERT_NO_APPLICATION_PROTOCOL$/.test(code);
}

/** Codes that OpenSSL spells differently by version of itself and of TLS, and those of Node's HTTP parser. */
const familyReasons: readonly (readonly [pattern: RegExp, reason: string])[] = [
  [/^HPE_/, "its answer is not HTTP"],
  [/^ERR_SSL_.*ALERT_NO_APPLICATION_PROTOCOL$/, "it speaks another version of HTTP"],
  [
    /^ERR_SSL_.*(ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL)$/,
    "it speaks no version of TLS that is accepted; see tls.min_version",
  ],
  [
    /^ERR_SSL_.*ALERT_HANDSHAKE_FAILURE$/,
    "it refuses the TLS handshake, perhaps because it wants a client certificate; see tls.cert_file",
  ],
  [/^ERR_SSL_.*ALERT_CERTIFICATE_REQUIRED$/, "it wants a client certificate; set tls.cert_file"],
  [
    /^ERR_SSL_.*ALERT_(UNKNOWN_CA|ACCESS_DENIED|.*CERTIFICATE.*)$/,
    "it does not accept the client certificate; see tls.cert_file",
  ],
];

/** The same for a failure on the way to or at a proxy. `PROXY_` and a status is its answer to the request for a connection. */
export function proxyFailureReason(code: string): string {
  const status = /^PROXY_([0-9]+)$/.exec(code)?.[1];
  if (status === "407") {
    return "it asks for credentials (407); put them into its URL";
  }
  return status === undefined
    ? failureReason(code)
    : `it answered ${status} to the request for a connection`;
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
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "its certificate is self-signed; see tls.ca_file"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate is self-signed; see tls.ca_file"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its certificate cannot be verified; see tls.ca_file"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "its certificate cannot be verified; see tls.ca_file"],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "its certificate is for another host; see tls.server_name_override",
  ],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "it does not speak TLS; try http:// instead of https://"],
]);
