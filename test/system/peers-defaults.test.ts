import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Signal } from "../../src/otlp/payload.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import {
  lacksNetworkNamespaces,
  type NetworkNamespace,
  openNetworkNamespace,
} from "./clients/network-namespace.ts";
import { build, testedPeers } from "./clients/peer-build.ts";
import { runPeer } from "./clients/peer-run.ts";
import { sentBy } from "./clients/recorded-requests.ts";
import { differenceOf, type ItemsRequest, shapesOf } from "./clients/telemetry-items.ts";

const signals = ["traces", "metrics", "logs"] as const satisfies readonly Signal[];

/** The deployed config on its own ports, in a network of its own, with a file behind it. */
async function startOnStandardPorts(
  network: NetworkNamespace,
  folder: string,
): Promise<RunningCollector> {
  return await startCollector({
    runner: network.runner,
    freePorts: false,
    overrides: signals.flatMap((signal) => [
      `exporters::file/${signal}::path: ${join(folder, signal)}`,
      `exporters::file/${signal}::format: proto`,
      `service::pipelines::${signal}::exporters: [debug, file/${signal}]`,
    ]),
  });
}

describe.skipIf(lacksNetworkNamespaces)(
  "a collector on its standard ports gets everything from",
  () => {
    for (const peer of testedPeers) {
      for (const { protocol, needs } of peer.exporters) {
        test(`the SDK for ${peer.language} over ${protocol} that is told ${told(needs)}`, async () => {
          const command = build(peer);
          const service = `peer-${peer.name}`;
          const sent = await sentBy(command, protocol);
          const folder = mkdtempSync(join(tmpdir(), "peers-defaults-"));
          const network = await openNetworkNamespace();
          try {
            const collector = await startOnStandardPorts(network, folder);
            const run = await runPeer(command, protocol, needs, network.runner);
            const { exitCode, stderr } = await collector.stop();
            expect({ ...run, collector: exitCode }).toEqual({
              exitCode: 0,
              output: "",
              collector: 0,
            });
            expect(stderr.split("\n").filter((line) => /\t(warn|error)\t/.test(line))).toEqual([]);
            const arrived = signals.flatMap((signal) => requestsIn(join(folder, signal), signal));
            expect(arrived.length).toBeGreaterThan(4);
            expect(differenceOf(shapesOf(sent, service), shapesOf(arrived, service))).toEqual({
              missing: [],
              added: [],
            });
          } finally {
            await network.close();
            rmSync(folder, { recursive: true, force: true });
          }
        }, 600_000);
      }
    }
  },
);

/** Mistakes that are easily made, each by an SDK that gives up soon, or is told to. */
const mistakes = [
  {
    title: "TLS to the port of HTTP, the default of Go",
    name: "go",
    protocol: "http/protobuf",
    env: {},
    remedy: "A sender speaks TLS to a port without TLS. Write http:// instead of https://",
  },
  {
    title: "TLS to the port of gRPC, the default of Go",
    name: "go",
    protocol: "grpc",
    env: { OTEL_EXPORTER_OTLP_TIMEOUT: "2000" },
    remedy: "A sender speaks TLS to a port without TLS. Write http:// instead of https://",
  },
  {
    title: "gRPC to the port of HTTP",
    name: "go",
    protocol: "grpc",
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
    },
    remedy: "A sender speaks HTTP/2, probably OTLP/gRPC, to the port of OTLP/HTTP.",
  },
  {
    title: "HTTP to the port of gRPC",
    name: "javascript",
    protocol: "http/protobuf",
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4317" },
    remedy: "to the port of OTLP/gRPC",
  },
  {
    title: "a path in the endpoint",
    name: "javascript",
    protocol: "http/protobuf",
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318/v1/traces" },
    remedy: "A request was refused because OTLP has no endpoint at its path.",
  },
] as const;

describe.skipIf(lacksNetworkNamespaces)("an SDK fails, and the log has the remedy, for", () => {
  for (const { title, name, protocol, env, remedy } of mistakes) {
    const peer = testedPeers.find((tested) => tested.name === name);
    test.skipIf(peer === undefined)(
      title,
      async () => {
        const network = await openNetworkNamespace();
        const folder = mkdtempSync(join(tmpdir(), "peers-defaults-"));
        try {
          const collector = await startOnStandardPorts(network, folder);
          const run = await runPeer(build(peer!), protocol, env, network.runner);
          expect(run).toMatchObject({ exitCode: 1, output: expect.stringMatching(/./) });
          const { stderr } = await collector.stop();
          expect(stderr.split("\n").filter((line) => /\twarn\t/.test(line))).toEqual([
            expect.stringContaining(remedy),
          ]);
        } finally {
          await network.close();
          rmSync(folder, { recursive: true, force: true });
        }
      },
      600_000,
    );
  }
});

/** The file exporter puts the length of each request before it, in 4 bytes. */
function requestsIn(path: string, signal: Signal): readonly ItemsRequest[] {
  const file = readFileSync(path);
  const requests: ItemsRequest[] = [];
  for (let at = 0; at < file.length; ) {
    const end = at + 4 + file.readUInt32BE(at);
    requests.push({ signal, bytes: file.subarray(at + 4, end), isJson: false });
    at = end;
  }
  return requests;
}

function told(needs: Readonly<Record<string, string>>): string {
  const settings = Object.entries(needs).map(([name, value]) => `${name}=${value}`);
  return settings.length === 0 ? "nothing" : `only ${settings.join(" and ")}`;
}
