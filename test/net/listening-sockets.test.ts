import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ListeningSockets, type SocketOwner } from "../../src/net/listening-sockets.ts";
import { type HttpServer, listen } from "../../src/net/server.ts";
import { deferred } from "../support/deferred.ts";
import { rawSocket } from "./raw-socket.ts";

const servers: HttpServer[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(AbortSignal.abort())));
});

async function open(
  owner: SocketOwner,
  port: number,
  handler: (text: string) => Promise<string> | string,
) {
  const server = await listen({
    host: "127.0.0.1",
    port,
    sockets: owner,
    handler: async (request, response) => response.end(await handler(request.url ?? "")),
  });
  servers.push(server);
  return server;
}

/** An owner that listens and one that is about to replace it. */
async function replaced(first: (text: string) => Promise<string> | string) {
  const pool = new ListeningSockets();
  const old = pool.ownedBy("receiver a");
  old.activate();
  const before = await open(old, 0, first);
  old.setReplaceable(true);
  return { pool, old, before, next: pool.ownedBy("receiver a") };
}

describe("a listening socket that is taken over", () => {
  test("keeps its port, also when that was chosen freely", async () => {
    const { before, next } = await replaced(() => "old");
    const after = await open(next, 0, () => "new");
    expect(after.port).toBe(before.port);
  });

  test("brings its connections to the old component until the new one is active", async () => {
    const { before, next } = await replaced(() => "old");
    const after = await open(next, 0, () => "new");
    expect(await get(after.port)).toBe("old");
    next.activate();
    expect(await get(after.port)).toBe("new");
    await before.close(never);
    expect(await get(after.port)).toBe("new");
  });

  test("stays with the old component when the new one gives up", async () => {
    const { old, before, next } = await replaced(() => "old");
    const after = await open(next, 0, () => "new");
    await after.close(never);
    old.setReplaceable(false);
    expect(await get(before.port)).toBe("old");
  });

  test("is refused to a component that replaces none", async () => {
    const { pool, old, before } = await replaced(() => "old");
    old.setReplaceable(false);
    await expect(open(pool.ownedBy("receiver b"), before.port, () => "other")).rejects.toThrow(
      "the address is already in use",
    );
  });

  test("is closed after its last user", async () => {
    const { before, next } = await replaced(() => "old");
    const after = await open(next, 0, () => "new");
    next.activate();
    await before.close(never);
    await after.close(never);
    await expect(get(after.port)).rejects.toThrow();
  });
});

test("connections that arrive before anybody is active wait", async () => {
  const owner = new ListeningSockets().ownedBy("receiver a");
  const server = await open(owner, 0, () => "fine");
  const answer = get(server.port);
  await connected(server.port);
  owner.activate();
  expect(await answer).toBe("fine");
});

describe("the connections of a server whose socket is taken over", () => {
  test("are answered once more, by the new one, and then end", async () => {
    const { before, next } = await replaced(() => "old");
    const socket = await rawSocket(before.port);
    socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await socket.heard("old");
    await open(next, 0, () => "new");
    next.activate();
    await before.close(never);
    socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const text = await socket.closed();
    expect(text).toContain("new");
    expect(text).toContain("Connection: close");
  });

  test("keep the request that is being answered, and the old server does not wait for it", async () => {
    const held = deferred<string>();
    const arrived = deferred<void>();
    const { before, next } = await replaced(() => {
      arrived.resolve();
      return held.promise;
    });
    const answer = get(before.port);
    await arrived.promise;
    const after = await open(next, 0, () => "new");
    next.activate();
    await before.close(never);
    const closing = after.close(never);
    held.resolve("old, late");
    expect(await answer).toBe("old, late");
    await closing;
  });
});

async function get(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: "close" } });
  return response.text();
}

async function connected(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.destroy();
}
