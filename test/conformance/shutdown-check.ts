import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { accepted } from "./backend.ts";
import type { ClientMutant, ClientPeer } from "./peers.ts";

/** A stop waits for what is in flight, or does not, as `service.shutdown_timeout` says. */
export const shutdownWaits: {
  readonly check: (client: ClientPeer) => Promise<void>;
  readonly mutants: Readonly<Record<string, ClientMutant>>;
} = {
  async check(client) {
    const whileWaiting = stopInFlight(client, "10s", async ({ ended, release }) => {
      const first = await Promise.race([ended, wait(300, "it waits")]);
      assert.equal(first, "it waits");
      release();
      assert.equal((await ended).exitCode, 0);
    });
    const atOnce = stopInFlight(client, "1ms", async ({ ended }) => {
      const first = await Promise.race([ended, wait(3_000, "it waits")]);
      assert.notEqual(first, "it waits");
    });
    const failed = (await Promise.allSettled([whileWaiting, atOnce])).filter(
      (result) => result.status === "rejected",
    );
    for (const { reason } of failed) {
      throw reason;
    }
  },
  mutants: {
    "always waits": { shutdownTimeout: "10s" },
    "never waits": { shutdownTimeout: "1ms" },
  },
};

/** Stops a collector of its own while the backend has a request and does not answer. */
async function stopInFlight(
  client: ClientPeer,
  shutdownTimeout: string,
  then: (stop: {
    readonly ended: Promise<{ readonly exitCode: number | null }>;
    readonly release: () => void;
  }) => Promise<void>,
): Promise<void> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const story = client.story(async (request) => {
    arrived.resolve();
    await client.held(released, undefined);
    return accepted(request);
  });
  const collector = await client.collectorOfItsOwn(shutdownTimeout);
  try {
    await client.deliver(story, { setup: "queued", collector });
    await arrived.promise;
    const ended = collector.process.stop();
    await then({ ended, release });
  } finally {
    release();
    await collector.close();
  }
}
