import { describe, expect, test } from "vitest";
import { resultOf } from "../../../src/exporters/otlp_http/outcome.ts";

describe("a failure with a code that servers other than Node's cause", () => {
  for (const [code, reason] of [
    [
      "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
      "it wants a client certificate; set tls.cert_file",
    ],
    [
      "ERR_SSL_TLSV1_ALERT_UNKNOWN_CA",
      "it does not accept the client certificate; see tls.cert_file",
    ],
    [
      "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE",
      "it does not accept the client certificate; see tls.cert_file",
    ],
    [
      "ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED",
      "it does not accept the client certificate; see tls.cert_file",
    ],
    [
      "ERR_SSL_UNSUPPORTED_PROTOCOL",
      "it speaks no version of TLS that is accepted; see tls.min_version",
    ],
    ["EADDRNOTAVAIL", "the request failed (EADDRNOTAVAIL)"],
    [undefined, "the request failed (no code)"],
  ] as const) {
    test(`has a reason: ${code}`, () => {
      const context = { signal: "traces", host: "backend:4318", unixMs: 0, timeoutMs: 1 } as const;
      expect(resultOf({ kind: "failed", code }, context)).toEqual({
        status: "retryable",
        message: `The backend backend:4318 cannot be reached: ${reason}.`,
      });
    });
  }
});
