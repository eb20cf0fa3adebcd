import { expect, test } from "vitest";
import { serverTlsOptions } from "../../src/config/server-tls-options.ts";

test("without the section there is no TLS, as in the Collector", () => {
  expect(serverTlsOptions().parse(undefined)).toBeUndefined();
});

test("a certificate and its key are enough", () => {
  expect(serverTlsOptions().parse({ cert_file: "a", key_file: "b" })).toEqual({
    cert_file: "a",
    key_file: "b",
    include_system_ca_certs_pool: false,
    min_version: "1.2",
    reload_interval: 10_000,
  });
});

test("ca_file may stand beside client_ca_file, as in configs of the Collector", () => {
  const section = { cert_file: "a", key_file: "b", ca_file: "c", client_ca_file: "c" };
  expect(serverTlsOptions().safeParse(section).success).toBe(true);
});

const pair = { cert_file: "a", key_file: "b" };

for (const [title, section, path, message] of [
  ["nothing", {}, "cert_file", "is missing; a server needs cert_file and key_file"],
  ["a certificate without its key", { cert_file: "a" }, "key_file", "needs its private key"],
  ["a key without its certificate", { key_pem: "topsecret" }, "cert_file", "is missing"],
  ["a certificate twice", { ...pair, cert_pem: "topsecret" }, "cert_pem", "is set beside"],
  ["ca_file alone", { ...pair, ca_file: "c" }, "ca_file", "Write client_ca_file"],
  [
    "the authorities of the system alone",
    { ...pair, include_system_ca_certs_pool: true },
    "include_system_ca_certs_pool",
    "Write client_ca_file",
  ],
  ["an option of clients", { ...pair, insecure: true }, "insecure", "is for clients"],
  [
    "verification of the wrong side",
    { ...pair, insecure_skip_verify: true },
    "insecure_skip_verify",
    "is for clients",
  ],
  ["cipher suites", { ...pair, cipher_suites: [] }, "cipher_suites", "the choice is that of Node"],
  ["curves", { ...pair, curve_preferences: [] }, "curve_preferences", "the choice is that of Node"],
  ["a TPM", { ...pair, tpm: { enabled: true } }, "tpm", "not from a TPM"],
  ["TLS 1.0", { ...pair, min_version: "1.0" }, "min_version", "RFC 8996"],
  [
    "versions that exclude each other",
    { ...pair, min_version: "1.3", max_version: "1.2" },
    "max_version",
    "must not be older",
  ],
] as const) {
  test(`${title} is refused`, () => {
    const { error } = serverTlsOptions().safeParse(section);
    expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
    expect(error?.issues[0]?.message).toContain(message);
    expect(JSON.stringify(error?.issues)).not.toContain("topsecret");
  });
}
