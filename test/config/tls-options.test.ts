import { expect, test } from "vitest";
import { clientTlsOptions } from "../../src/config/tls-options.ts";

test("TLS is on, verifies the server, and takes 1.2 and newer, as in the Collector", () => {
  expect(clientTlsOptions().parse(undefined)).toEqual({
    insecure: false,
    insecure_skip_verify: false,
    include_system_ca_certs_pool: false,
    min_version: "1.2",
    reload_interval: 10_000,
  });
});

test("texts with certificates and keys are never shown", () => {
  const config = clientTlsOptions().parse({ cert_pem: "cert", key_pem: "topsecret" });
  expect(JSON.stringify(config)).not.toContain("topsecret");
});

for (const [title, section, path, message] of [
  ["an authority twice", { ca_file: "a", ca_pem: "topsecret" }, "ca_pem", "is set beside ca_file"],
  [
    "a certificate without its key",
    { cert_file: "a" },
    "key_file",
    "is missing; a client certificate needs its private key.",
  ],
  [
    "a key without its certificate",
    { key_pem: "topsecret" },
    "cert_file",
    "is missing; a private key is used with its certificate only.",
  ],
  [
    "versions that exclude each other",
    { min_version: "1.3", max_version: "1.2" },
    "max_version",
    "must not be older than min_version.",
  ],
  ["a version that is not safe", { min_version: "1.1" }, "min_version", "RFC 8996"],
  ["a version without quotes", { min_version: 1.2 }, "min_version", "with the quotes"],
  ["no TLS and an authority", { insecure: true, ca_file: "a" }, "ca_file", "has no effect"],
  [
    "no TLS and no verification",
    { insecure: true, insecure_skip_verify: true },
    "insecure_skip_verify",
    "has no effect",
  ],
  ["an empty path", { ca_file: "" }, "ca_file", "Too small"],
  ["a mistyped key", { cafile: "a" }, "", "Unrecognized key"],
] as const) {
  test(`${title} is refused`, () => {
    const { error } = clientTlsOptions().safeParse(section);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(error?.issues[0]?.message).toContain(message);
    expect(JSON.stringify(error?.issues)).not.toContain("topsecret");
  });
}
