import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { type MirrorTap, openMirrorTap } from "./clients/mirror-tap.ts";
import { build, testedPeers } from "./clients/peer-build.ts";
import { runPeer } from "./clients/peer-run.ts";
import {
  openRecorder,
  type Recorder,
  receiverPort,
  requestsOf,
} from "./clients/recorded-requests.ts";
import { differenceOf, itemsOf } from "./clients/telemetry-items.ts";

/** What each program sends at least: more spans than a batch and than half a queue of an SDK has, and every kind of metric. */
const leastItems = { traces: 1207, metrics: 7, logs: 608 } as const;

let backend: OtlpSink;
let collector: RunningCollector;
let mirror: Recorder;
let tap: MirrorTap;

beforeEach(async () => {
  backend = await openSink();
  collector = await startCollector({
    configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
    env: { BACKEND_URL: backend.url },
  });
});
afterEach(async () => {
  await tap?.close();
  await mirror?.close();
  await collector?.stop();
  await backend?.close();
});

for (const peer of testedPeers) {
  describe(`what the SDK for ${peer.language} sends arrives unchanged`, () => {
    let command: readonly string[] = [];
    beforeAll(() => {
      command = build(peer);
    }, 600_000);

    for (const { protocol } of peer.exporters) {
      for (const compression of ["none", "gzip"]) {
        test(`as ${protocol}, compression ${compression}`, async () => {
          mirror = await openRecorder(protocol);
          tap = await openMirrorTap({
            server: receiverPort(collector, protocol),
            mirror: mirror.port,
          });
          const run = await runPeer(command, protocol, {
            OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${tap.port}`,
            OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
            ...(compression === "none" ? {} : { OTEL_EXPORTER_OTLP_COMPRESSION: compression }),
          });
          expect(run).toEqual({ exitCode: 0, output: "" });
          await tap.quiet();
          // It hands on all it has before it ends.
          const { exitCode, stderr } = await collector.stop();
          expect(exitCode).toBe(0);
          expect(stderr.split("\n").filter((line) => /\t(warn|error)\t/.test(line))).toEqual([]);

          const service = `peer-${peer.name}`;
          const arrived = itemsOf(requestsOf(backend), service);
          await expect
            .poll(() => differenceOf(itemsOf(mirror.requests(), service), arrived), {
              timeout: 10_000,
            })
            .toEqual({ missing: [], added: [] });
          const sent = mirror.requests();
          // What they repeat makes them a fraction of their size.
          const size = sent.reduce((sum, request) => sum + request.bytes.length, 0);
          expect(tap.bytes() < size / 2).toBe(compression === "gzip");
          for (const [signal, least] of Object.entries(leastItems)) {
            const ofSignal = sent.filter((request) => request.signal === signal);
            expect(itemsOf(ofSignal, service).length).toBeGreaterThanOrEqual(least);
          }
        });
      }
    }
  });
}
