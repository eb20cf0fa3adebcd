import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { makeAuthority } from "../support/certificates.ts";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { build, testedPeers } from "./clients/peer-build.ts";
import { runPeer } from "./clients/peer-run.ts";
import { receiverPort, requestsOf, sentBy } from "./clients/recorded-requests.ts";
import { differenceOf, shapesOf } from "./clients/telemetry-items.ts";

let folder = "";
let backend: OtlpSink;
let collector: RunningCollector;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "peers-tls-"));
  const authority = makeAuthority("peers");
  const { cert, key } = authority.issue(["localhost"]);
  for (const [name, text] of Object.entries({ ca: authority.ca, cert, key })) {
    writeFileSync(join(folder, `${name}.pem`), text);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  backend = await openSink();
  collector = await startCollector({
    configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
    env: { BACKEND_URL: backend.url },
    overrides: [
      "extensions::bearer_token_auth::token: open-sesame",
      "service::extensions: [health_check, file_storage, bearer_token_auth]",
      ...["grpc", "http"].flatMap((transport) => [
        `receivers::otlp::protocols::${transport}::tls::cert_file: ${join(folder, "cert.pem")}`,
        `receivers::otlp::protocols::${transport}::tls::key_file: ${join(folder, "key.pem")}`,
        `receivers::otlp::protocols::${transport}::auth::authenticator: bearer_token_auth`,
      ]),
    ],
  });
});
afterEach(async () => {
  await collector?.stop();
  await backend?.close();
});

// The program in Rust is built without TLS, which takes features of its own.
for (const peer of testedPeers.filter(({ name }) => name !== "rust")) {
  const service = `peer-${peer.name}`;
  for (const { protocol } of peer.exporters) {
    describe(`the SDK for ${peer.language} over ${protocol} with TLS`, () => {
      const env = (token: string) => ({
        OTEL_EXPORTER_OTLP_ENDPOINT: `https://localhost:${receiverPort(collector, protocol)}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        OTEL_EXPORTER_OTLP_CERTIFICATE: join(folder, "ca.pem"),
        OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${token}`,
      });

      test("gets everything through with the right token", async () => {
        const command = build(peer);
        expect(await runPeer(command, protocol, env("open-sesame"))).toEqual({
          exitCode: 0,
          output: "",
        });
        await collector.stop();
        expect(
          differenceOf(
            shapesOf(await sentBy(command, protocol), service),
            shapesOf(requestsOf(backend), service),
          ),
        ).toEqual({ missing: [], added: [] });
      }, 600_000);

      test("gets nothing through with a wrong one", async () => {
        await runPeer(build(peer), protocol, env("wrong"));
        await collector.stop();
        expect(shapesOf(requestsOf(backend), service)).toEqual([]);
      }, 600_000);
    });
  }
}
