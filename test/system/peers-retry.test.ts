import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type OtlpSink, openSink } from "../support/otlp-sink.ts";
import { type RunningCollector, startCollector } from "../support/process.ts";
import { type MirrorTap, openMirrorTap } from "./clients/mirror-tap.ts";
import { build, testedPeers } from "./clients/peer-build.ts";
import { type PeerRun, runPeer } from "./clients/peer-run.ts";
import type { Peer, Protocol } from "./clients/peers.ts";
import {
  openRecorder,
  type Recorder,
  receiverPort,
  requestsOf,
} from "./clients/recorded-requests.ts";
import { differenceOf, itemsOf } from "./clients/telemetry-items.ts";

let backend: OtlpSink;
let collector: RunningCollector;
let recorder: Recorder;
let tap: MirrorTap;

beforeEach(async () => {
  backend = await openSink();
  collector = await startCollector({
    configs: ["deploy/config.yaml", "deploy/config.forward.yaml"],
    env: { BACKEND_URL: backend.url },
    // So that a sender hears what the backend says.
    overrides: [
      "exporters::otlp_http::sending_queue::enabled: false",
      "exporters::otlp_http::retry_on_failure::enabled: false",
    ],
  });
});
afterEach(async () => {
  await tap?.close();
  await recorder?.close();
  await collector?.stop();
  await backend?.close();
});

async function run(peer: Peer, protocol: Protocol): Promise<PeerRun> {
  const command = build(peer);
  recorder = await openRecorder(protocol);
  tap = await openMirrorTap({ server: receiverPort(collector, protocol), mirror: recorder.port });
  const run = await runPeer(command, protocol, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${tap.port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  });
  await tap.quiet();
  return run;
}

/** A client that gives up may leave while a request is under way: then only the mirror has it. */
async function expectSentOnce(service: string): Promise<void> {
  const tried = itemsOf(requestsOf(backend), service);
  expect(tried.length).toBeGreaterThan(0);
  const sent = () => itemsOf(recorder.requests(), service);
  await expect.poll(() => differenceOf(sent(), tried).added, { timeout: 10_000 }).toEqual([]);
  expect(sent().length - new Set(sent()).size).toBe(0);
}

for (const peer of testedPeers) {
  const service = `peer-${peer.name}`;
  for (const { protocol, retries } of peer.exporters) {
    describe(`the SDK for ${peer.language} over ${protocol}`, () => {
      if (retries) {
        test("sends again what was refused for the moment, and everything is accepted once", async () => {
          backend.answer = { status: 503 };
          const running = run(peer, protocol);
          await backend.until("something is refused", (requests) => requests[0], 600_000);
          const refusals = backend.requests.length;
          backend.answer = { status: 200 };
          expect(await running).toMatchObject({ exitCode: 0 });

          const attempts = requestsOf(backend);
          const refused = itemsOf(attempts.slice(0, refusals), service);
          const accepted = itemsOf(attempts.slice(refusals), service);
          expect(refused.length).toBeGreaterThan(0);
          expect(differenceOf(refused, accepted).missing).toEqual([]);
          await expect
            .poll(
              () => differenceOf(itemsOf(recorder.requests(), service), refused.concat(accepted)),
              { timeout: 10_000 },
            )
            .toEqual({ missing: [], added: [] });
          expect(accepted.length - new Set(accepted).size).toBe(0);
        }, 600_000);
      } else {
        // What the table of senders says of this SDK.
        test("drops even what was refused for the moment", async () => {
          backend.answer = { status: 503 };
          await run(peer, protocol);
          await expectSentOnce(service);
        }, 600_000);
      }

      test("drops what was refused for good, and sends none of it again", async () => {
        backend.answer = { status: 400 };
        await run(peer, protocol);
        await expectSentOnce(service);
      }, 600_000);
    });
  }
}
