import { describe, expect, test } from "vitest";
import { GrpcChannel } from "../../../src/exporters/otlp_grpc/grpc-channel.ts";
import { openConnection } from "../../../src/exporters/otlp_grpc/grpc-connection.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { type GrpcSink, openGrpcSink } from "../../support/grpc-sink.ts";
import { afterwards } from "./exporter-fixture.ts";
import { openRawBackend, respond } from "./raw-backend.ts";

const never = new AbortController().signal;

/** Backends on several addresses of loopback and one port. */
async function sinks(...hosts: readonly string[]): Promise<readonly GrpcSink[]> {
  const opened: GrpcSink[] = [];
  for (const host of hosts) {
    const sink = await openGrpcSink({ host, port: opened[0]?.port ?? 0 });
    afterwards(() => sink.close());
    opened.push(sink);
  }
  return opened;
}

/** A channel to a name whose addresses the test decides. */
function channel(port: number, addresses: string[], balancer = "round_robin" as const) {
  const clock = new FakeClock();
  const lookups: string[] = [];
  const opened: string[] = [];
  const stop = new AbortController();
  const subject = new GrpcChannel({
    host: "backend.example",
    balancer,
    waitForReady: false,
    clock,
    random: () => 0.5,
    lookup: async (host) => {
      lookups.push(host);
      return addresses.map((address) => ({ address, family: 4 }));
    },
    open: (host) => {
      opened.push(host);
      return openConnection({
        host,
        port,
        serverName: host,
        clock,
        timeoutMs: 5_000,
        stop: stop.signal,
      });
    },
  });
  afterwards(async () => {
    stop.abort();
    await subject.close();
  });
  return {
    clock,
    lookups,
    opened,
    /** Makes a call. */
    async send() {
      const picked = await subject.pick(never);
      return picked.ok
        ? picked.connection.call(
            {
              headers: {
                ":method": "POST",
                ":path": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
                "content-type": "application/grpc",
                te: "trailers",
              },
              message: new Uint8Array(0),
              isCompressed: false,
            },
            never,
          )
        : picked.end;
    },
    /** Lets connections open that nobody waits for. */
    async until(condition: () => boolean) {
      while (!condition()) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

const counts = (all: readonly GrpcSink[]) => all.map(({ requests }) => requests.length);

describe("round_robin", () => {
  test("spreads calls evenly over all addresses", async () => {
    const all = await sinks("127.0.0.1", "127.0.0.2", "127.0.0.3");
    const { send, opened } = channel(all[0]!.port, ["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    await send();
    await Promise.all(Array.from({ length: 3 }, send));
    for (let n = 0; n < 30; n += 1) {
      await send();
    }
    expect(counts(all).every((count) => count >= 10)).toBe(true);
    expect(opened.toSorted()).toEqual(["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
  });

  test("leaves out an address that does not work, and comes back to it", async () => {
    const all = await sinks("127.0.0.1");
    const { send, opened, clock, until } = channel(all[0]!.port, ["127.0.0.1", "127.0.0.2"]);
    for (let n = 0; n < 10; n += 1) {
      expect(await send()).toMatchObject({ kind: "answered" });
    }
    await until(() => opened.filter((host) => host === "127.0.0.2").length === 1);
    const late = await openGrpcSink({ host: "127.0.0.2", port: all[0]!.port });
    afterwards(() => late.close());
    clock.advance(999);
    await send();
    expect(opened.length).toBe(2);
    clock.advance(1);
    await send();
    await until(() => opened.length === 3);
    await until(() => late.requests.length > 0 || void send() !== undefined);
    expect(late.requests.length).toBeGreaterThan(0);
  });

  test("moves to the other address when a server goes", async () => {
    const all = await sinks("127.0.0.1", "127.0.0.2");
    const { send } = channel(all[0]!.port, ["127.0.0.1", "127.0.0.2"]);
    await send();
    await send();
    all[0]!.close();
    const ends = [];
    for (let n = 0; n < 10; n += 1) {
      ends.push((await send()).kind);
    }
    expect(ends.slice(1)).toEqual(Array.from({ length: 9 }, () => "answered"));
  });

  test("follows the name to new addresses when one goes, and looks it up no more than every 30 s", async () => {
    const all = await sinks("127.0.0.1", "127.0.0.2", "127.0.0.3");
    const addresses = ["127.0.0.1", "127.0.0.2"];
    const { send, lookups, opened, clock, until } = channel(all[0]!.port, addresses);
    await send();
    await until(() => opened.length === 2);
    await send();
    all[1]!.close();
    addresses[1] = "127.0.0.3";
    for (let n = 0; n < 5; n += 1) {
      await send();
    }
    expect(lookups.length).toBe(1);
    clock.advance(30_000);
    await send();
    expect(lookups.length).toBe(2);
    await send();
    await until(() => opened.includes("127.0.0.3"));
    for (let n = 0; n < 10; n += 1) {
      await send();
    }
    expect(all[2]!.requests.length).toBeGreaterThan(0);
  });

  test("leaves an address that the name no longer has", async () => {
    const old = await openRawBackend((stream) => respond(stream));
    afterwards(() => old.close());
    const { port } = old;
    const [second, third] = [
      await openGrpcSink({ host: "127.0.0.2", port }),
      await openGrpcSink({ host: "127.0.0.3", port }),
    ];
    afterwards(() => third.close());
    const addresses = ["127.0.0.1", "127.0.0.2"];
    const { send, clock, until } = channel(port, addresses);
    await send();
    await until(() => old.sessions.length === 1);
    const left = new Promise((resolve) => old.sessions[0]?.once("close", resolve));
    second.close();
    addresses.splice(0, 2, "127.0.0.3");
    while (third.requests.length === 0) {
      clock.advance(30_000);
      await send();
    }
    await left;
  });

  test("fails when no address works, and tries all of them with the next call", async () => {
    const [sink] = await sinks("127.0.0.1");
    sink!.close();
    const { send, opened, lookups } = channel(sink!.port, ["127.0.0.1", "127.0.0.2"]);
    expect(await send()).toEqual({ kind: "failed", code: "ECONNREFUSED" });
    expect(await send()).toEqual({ kind: "failed", code: "ECONNREFUSED" });
    expect([opened.length, lookups.length]).toEqual([4, 2]);
  });

  test("opens each address once for calls at the same time", async () => {
    const all = await sinks("127.0.0.1");
    const { send, opened, lookups } = channel(all[0]!.port, ["127.0.0.1"]);
    await Promise.all(Array.from({ length: 20 }, send));
    expect([opened.length, lookups.length]).toEqual([1, 1]);
  });

  test("fails for a name without addresses", async () => {
    expect(await channel(1, []).send()).toEqual({ kind: "failed", code: undefined });
  });

  test("uses the first hundred addresses", async () => {
    const all = await sinks("127.0.0.1");
    const many = Array.from({ length: 150 }, (_, n) => `127.0.1.${n + 1}`);
    const { send, opened } = channel(all[0]!.port, ["127.0.0.1", ...many]);
    await send();
    expect(opened.length).toBe(100);
  });
});
