// Attacks by one peer while another, or another connection of the same peer, sends what is good. Addresses of 127.0.0.0/8 are the peers.
import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type RawSocket, rawSocket } from "../../net/raw-socket.ts";
import { fakeMemory } from "../../support/fake-memory.ts";
import { exportPath, framed, grpcStatusOf, rawCall } from "./grpc-client.ts";
import { flags, headerBlock, hello, http2Frame } from "./http2-frames.ts";
import { closeReceivers, type OpenReceiver, openReceiver } from "./open-receiver.ts";
import { oneItem } from "./otlp-requests.ts";

const attackers: RawSocket[] = [];

afterEach(async () => {
  for (const socket of attackers.splice(0)) {
    socket.destroy();
  }
  await closeReceivers();
});

const trace = oneItem("traces", "protobuf");
/** Clients and server are one process here. */
const patience = { timeout: 20_000 };
const mebibyte = 1024 * 1024;

async function attacker(port: number, from: string): Promise<RawSocket> {
  const socket = await rawSocket(port, from);
  attackers.push(socket);
  return socket;
}

/** The status of a good request on a connection of its own. */
function send(
  { port }: Pick<OpenReceiver, "port">,
  from: string,
  headers: Record<string, string> = {},
): Promise<number | string | undefined> {
  return new Promise((resolve) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port,
        localAddress: from,
        path: "/v1/traces",
        method: "POST",
        headers: { "content-type": "application/x-protobuf", ...headers },
        agent: false,
      },
      (response) => response.resume().on("end", () => resolve(response.statusCode)),
    );
    request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    request.end(trace);
  });
}

/** The status of a good call on a connection of its own. */
async function call({ grpcPort }: OpenReceiver, from: string): Promise<string | undefined> {
  const session = connect(`http://127.0.0.1:${grpcPort}`, {
    createConnection: () => connectTcp({ host: "127.0.0.1", port: grpcPort, localAddress: from }),
  });
  session.on("error", () => {});
  const status = grpcStatusOf(await rawCall(session, [framed(trace)]).answer);
  session.destroy();
  return status;
}

const post = (length: number, path = "/v1/traces", more = "") =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n${more}Content-Length: ${length}\r\n\r\n`;

const bad = "127.0.0.2";
/** Another peer, and the same one. */
const peers = ["127.0.0.3", bad] as const;

function warnings({ lines }: OpenReceiver): readonly string[] {
  return lines.filter(({ level }) => level === "warn").map(({ message }) => message);
}

describe("another peer is served, and another connection of the same peer,", () => {
  test("beside nine half-sent bodies of 20 MiB, of which those are cut that hold most", async () => {
    const receiver = await openReceiver({ grpc: {}, memory: fakeMemory({ limitMiB: 1024 }) });
    const half = Buffer.alloc(19.5 * mebibyte);
    const sockets = await Promise.all(
      Array.from({ length: 9 }, () => attacker(receiver.port, bad)),
    );
    for (const socket of sockets) {
      socket.send(post(20 * mebibyte));
      socket.send(half);
    }
    // They do not fit together, so that one is refused when all have arrived.
    await Promise.race(sockets.map((socket) => socket.heard("503")));
    for (const good of peers) {
      expect(await send(receiver, good)).toBe(200);
      expect(await call(receiver, good)).toBe("0");
    }
    const { busy = 0, ...others } = await receiver.refused();
    expect(others).toEqual({});
    expect(busy).toBeGreaterThanOrEqual(1);
    expect(busy).toBeLessThanOrEqual(3);
    expect(await receiver.refused("grpc")).toEqual({});
    expect(warnings(receiver)).toEqual([expect.stringMatching(/too many are in progress/)]);
  });

  test("beside 1100 connections that say nothing", async () => {
    const receiver = await openReceiver();
    await Promise.all(Array.from({ length: 1100 }, () => attacker(receiver.port, bad)));
    for (const good of peers) {
      expect(await send(receiver, good)).toBe(200);
    }
    // The peer may have 875, and its good connection takes the place of one. The kernel may not have passed on all yet.
    await expect
      .poll(async () => (await receiver.refused())["too_many_connections"], patience)
      .toBeGreaterThanOrEqual(100);
    expect((await receiver.refused())["too_many_connections"]).toBeLessThanOrEqual(226);
    expect(warnings(receiver)).toEqual([expect.stringMatching(/^A connection was closed/)]);
  });

  test("beside 1000 connections that are idle after a request, and keeps its own", async () => {
    const receiver = await openReceiver();
    const own = await attacker(receiver.port, peers[0]);
    const again = `${post(trace.length)}${Buffer.from(trace).toString("latin1")}`;
    own.send(Buffer.from(again, "latin1"));
    await own.heard("200 OK");
    const idle = await Promise.all(
      Array.from({ length: 1000 }, () => attacker(receiver.port, bad)),
    );
    for (const socket of idle) {
      socket.send("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    await Promise.all(idle.map((socket) => socket.heard("404")));
    for (const good of peers) {
      expect(await send(receiver, good)).toBe(200);
    }
    own.send(Buffer.from(again, "latin1"));
    await own.heard("200 OK");
    await expect.poll(() => receiver.payloads.length).toBe(4);
  });

  for (const [what, path] of [
    ["bodies", "/v1/traces"],
    ["bodies that are refused", "/nowhere"],
  ] as const) {
    test(`beside 1000 connections on which ${what} trickle`, async () => {
      const receiver = await openReceiver();
      const slow = await Promise.all(
        Array.from({ length: 1000 }, () => attacker(receiver.port, bad)),
      );
      for (const socket of slow) {
        socket.send(`${post(1000, path)}a`);
      }
      // The last one has arrived.
      await expect
        .poll(async () => {
          const { too_many_connections: closed = 0, unknown_path: refused = 0 } =
            await receiver.refused();
          return closed + (path === "/nowhere" ? refused / 8 : 0);
        }, patience)
        .toBeGreaterThanOrEqual(125);
      for (const good of peers) {
        expect(await send(receiver, good)).toBe(200);
      }
    });
  }

  test("beside calls without a message on connections with as many as they may have", async () => {
    const receiver = await openReceiver({ grpc: {} });
    const headers = headerBlock(exportPath("traces"));
    const sockets = await Promise.all(
      Array.from({ length: 30 }, () => attacker(receiver.grpcPort, bad)),
    );
    for (const socket of sockets) {
      socket.send(hello);
      socket.send(
        Buffer.concat(
          Array.from({ length: 100 }, (_, index) =>
            http2Frame("headers", flags.endHeaders, 2 * index + 1, headers),
          ),
        ),
      );
    }
    await expect
      .poll(async () => (await receiver.refused("grpc"))["busy"] ?? 0, patience)
      .toBeGreaterThanOrEqual(1000);
    for (const good of peers) {
      expect(await call(receiver, good)).toBe("0");
      expect(await send(receiver, good)).toBe(200);
    }
    expect(warnings(receiver)).toEqual([expect.stringMatching(/too many are in progress/)]);
  });

  test("beside calls whose answers are not taken, which are given up", async () => {
    const receiver = await openReceiver({ grpc: {} });
    const headers = headerBlock(exportPath("traces"));
    // SETTINGS_INITIAL_WINDOW_SIZE = 0
    const noWindow = http2Frame("settings", flags.none, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    const sockets = await Promise.all(
      Array.from({ length: 20 }, () => attacker(receiver.grpcPort, bad)),
    );
    for (const socket of sockets) {
      socket.send(hello);
      socket.send(noWindow);
      socket.send(
        Buffer.concat(
          Array.from({ length: 100 }, (_, index) => [
            http2Frame("headers", flags.endHeaders, 2 * index + 1, headers),
            http2Frame("data", flags.endStream, 2 * index + 1, framed(trace)),
          ]).flat(),
        ),
      );
    }
    await expect.poll(() => receiver.payloads.length, patience).toBeGreaterThanOrEqual(1000);
    for (const good of peers) {
      expect(await call(receiver, good)).toBe("0");
      expect(await send(receiver, good)).toBe(200);
    }
  });
});

test("a client with credentials has a share of its own, whatever else comes from its address", async () => {
  const receiver = await openReceiver({
    memory: fakeMemory({ limitMiB: 12 }),
    http: { auth: { authenticator: "word" } },
    authenticator: {
      challenge: "Bearer",
      authenticate: ({ authorization = "" }) => ({ ok: true, client: String(authorization) }),
    },
  });
  // Eight bodies of a client leave an eighth to others.
  const greedy = await Promise.all(Array.from({ length: 9 }, () => attacker(receiver.port, bad)));
  for (const socket of greedy) {
    socket.send(post(mebibyte / 4 + 1, "/v1/traces", "Authorization: a\r\n"));
    socket.send(Buffer.alloc(mebibyte / 4));
  }
  await Promise.race(greedy.map((socket) => socket.heard("503")));
  expect(await send(receiver, bad, { authorization: "b" })).toBe(200);
});

test("more than 16 requests on one connection without an answer end it", async () => {
  const receiver = await openReceiver();
  const socket = await attacker(receiver.port, bad);
  socket.send("GET /v1/traces HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(5_000));
  await socket.closed();
  const { flood, ...others } = await receiver.refused();
  expect(flood).toBe(1);
  expect(Object.values(others).reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(16);
  expect(warnings(receiver)).toContainEqual(expect.stringMatching(/without waiting for an answer/));
  expect(await send(receiver, bad)).toBe(200);
});
