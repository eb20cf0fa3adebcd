import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { oneItem } from "../receivers/otlp/otlp-requests.ts";
import { makeAuthority } from "../support/certificates.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";

let folder = "";
const collectors: RunningCollector[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "authentication-"));
});
afterEach(async () => {
  for (const collector of collectors.splice(0)) {
    await collector.stop();
  }
  rmSync(folder, { recursive: true });
});

async function start(overrides: readonly string[]): Promise<RunningCollector> {
  const collector = await startCollector({ overrides });
  collectors.push(collector);
  return collector;
}

/** The address that a line of the log names. */
function endpointIn(collector: RunningCollector, message: string): string {
  const line = collector
    .stderr()
    .split("\n")
    .find((each) => each.includes(message));
  return /"endpoint": "([^"]+)"/.exec(line ?? "")?.[1] ?? "";
}

const secret = "canary-token-4711";

test("one collector sends to another over TLS with a token, and changed tokens are taken while both run", async () => {
  const authority = makeAuthority("Ours");
  const { cert, key } = authority.issue(["localhost", "127.0.0.1"]);
  const path = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const tokens = path("tokens", `${secret}\n`);
  const gateway = await start([
    `extensions::bearer_token_auth::filename: ${tokens}`,
    "receivers::otlp::protocols: {http: {endpoint: '127.0.0.1:0'}, grpc: {endpoint: '127.0.0.1:0'}}",
    ...["http", "grpc"].flatMap((protocol) => [
      `receivers::otlp::protocols::${protocol}::tls: {cert_file: ${path("cert.pem", cert)}, key_file: ${path("key.pem", key)}}`,
      `receivers::otlp::protocols::${protocol}::auth::authenticator: bearer_token_auth`,
    ]),
    "service::extensions: [file_storage, bearer_token_auth]",
  ]);
  const http = endpointIn(gateway, "Receiving OTLP over HTTP.");
  const grpc = endpointIn(gateway, "Receiving OTLP over gRPC.");
  const ca = path("ca.pem", authority.ca);
  const sent = path("sent", secret);
  const agent = await start([
    `extensions::bearer_token_auth::filename: ${sent}`,
    `exporters::otlp_http: {endpoint: 'https://${http}', tls: {ca_file: ${ca}}, auth: {authenticator: bearer_token_auth}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}`,
    `exporters::otlp_grpc: {endpoint: '${grpc}', tls: {ca_file: ${ca}}, auth: {authenticator: bearer_token_auth}, sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}`,
    "service::pipelines::metrics::exporters: [otlp_http]",
    "service::pipelines::logs::exporters: [otlp_grpc]",
    "service::extensions: [file_storage, bearer_token_auth]",
  ]);
  const post = async (signal: "metrics" | "logs") => {
    const { status } = await fetch(`http://${endpointIn(agent, "over HTTP.")}/v1/${signal}`, {
      method: "POST",
      headers: { "content-type": "application/x-protobuf" },
      body: oneItem(signal, "protobuf"),
    });
    return status;
  };
  expect([await post("metrics"), await post("logs")]).toEqual([200, 200]);

  writeFileSync(tokens, "another\n");
  await expect.poll(() => post("metrics"), { timeout: 10_000 }).not.toBe(200);
  expect(await post("logs")).not.toBe(200);
  writeFileSync(sent, "another");
  await expect.poll(() => post("metrics"), { timeout: 10_000 }).toBe(200);
  expect(await post("logs")).toBe(200);
  for (const collector of [gateway, agent]) {
    expect(collector.stderr()).not.toContain(secret);
  }
});

test("the own metrics and the health pages ask for a password", async () => {
  const collector = await start([
    "extensions::basic_auth::htpasswd::inline: 'user:password'",
    "extensions::health_check: {endpoint: '127.0.0.1:0', auth: {authenticator: basic_auth}}",
    "service::telemetry::metrics: {endpoint: '127.0.0.1:0', auth: {authenticator: basic_auth}}",
    "service::extensions: [file_storage, health_check, basic_auth]",
  ]);
  const authorization = `Basic ${Buffer.from("user:password").toString("base64")}`;
  for (const [message, path] of [
    ["Serving health checks.", "/"],
    ["Serving the collector's own metrics.", "/metrics"],
  ] as const) {
    const url = `http://${endpointIn(collector, message)}${path}`;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
  }
});
