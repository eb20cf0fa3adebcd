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
import type { Protocol } from "./clients/peers.ts";
import { openRecorder } from "./clients/recorded-requests.ts";
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
      for (const { protocol, needs } of peer.exporters.filter(
        ({ protocol }) => protocol !== "grpc",
      )) {
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

describe.skipIf(lacksNetworkNamespaces)("the log says what to change in", () => {
  for (const peer of testedPeers.filter(({ name }) => name === "go")) {
    test(`the SDK for ${peer.language} over http/protobuf that is told nothing`, async () => {
      const network = await openNetworkNamespace();
      try {
        const collector = await startOnStandardPorts(network, tmpdir());
        const run = await runPeer(build(peer), "http/protobuf", {}, network.runner);
        expect(run).toMatchObject({
          exitCode: 1,
          output: expect.stringContaining("server gave HTTP response to HTTPS client"),
        });
        expect((await collector.stop()).stderr).toContain(
          "A sender speaks TLS to a port without TLS. Write http:// instead of https:// in its endpoint",
        );
      } finally {
        await network.close();
      }
    }, 600_000);
  }
});

/** What the program sends when nothing is in between. */
async function sentBy(
  command: readonly string[],
  protocol: Protocol,
): Promise<readonly ItemsRequest[]> {
  const recorder = await openRecorder(protocol);
  try {
    const run = await runPeer(command, protocol, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${recorder.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    });
    expect(run).toEqual({ exitCode: 0, output: "" });
    return recorder.requests();
  } finally {
    await recorder.close();
  }
}

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
