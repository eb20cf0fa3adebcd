import { once } from "node:events";
import { type ClientHttp2Session, connect, type ServerHttp2Stream } from "node:http2";
import { connect as connectTcp, createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Http2Server, listenHttp2 } from "../../src/net/http2-server.ts";
import { ListeningSockets, type SocketOwner } from "../../src/net/listening-sockets.ts";
import {
  flags,
  headerBlock,
  hello,
  http2Frame,
  settingsAck,
} from "../receivers/otlp/http2-frames.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawSocket } from "./raw-socket.ts";

const servers: Http2Server[] = [];
const sessions: ClientHttp2Session[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.destroy();
  }
  await Promise.all(servers.splice(0).map((server) => server.close(AbortSignal.abort())));
});

interface Options {
  readonly port?: number;
  readonly sockets?: SocketOwner;
  readonly maxConnections?: number;
  readonly clock?: FakeClock;
  readonly maxIdleMs?: number;
  readonly onStream: (stream: ServerHttp2Stream) => void;
}

async function open({
  port = 0,
  clock = new FakeClock(),
  onStream,
  maxIdleMs,
  ...options
}: Options) {
  const broken: string[] = [];
  const server = await listenHttp2({
    address: { host: "127.0.0.1", port },
    clock,
    random: () => 0.5,
    http1Answer: "",
    maxConcurrentStreams: 100,
    keepalive: {
      maxIdleMs,
      maxAgeMs: undefined,
      maxAgeGraceMs: undefined,
      pingAfterMs: 7_200_000,
      pingTimeoutMs: 20_000,
      minPingIntervalMs: 300_000,
      isPingAllowedWithoutStream: false,
    },
    onBroken: (reason) => broken.push(reason),
    onStream(stream) {
      onStream(stream);
      return () => {};
    },
    ...options,
  });
  servers.push(server);
  return { ...server, broken };
}

function sessionTo({ port }: { readonly port: number }, socket?: Socket): ClientHttp2Session {
  const session = connect(
    `http://127.0.0.1:${port}`,
    socket === undefined ? {} : { createConnection: () => socket },
  );
  session.on("error", () => {});
  sessions.push(session);
  return session;
}

/** The body of the answer. */
async function ask(session: ClientHttp2Session): Promise<string> {
  const stream = session.request({ ":path": "/" });
  let body = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    body += chunk;
  });
  stream.on("error", () => {});
  await once(stream, "close");
  return body;
}

const saying = (text: string) => (stream: ServerHttp2Stream) => {
  stream.respond({ ":status": 200 });
  stream.end(text);
};

describe("at the limit of connections", () => {
  test("a further one takes the place of the one that is idle for longest", async () => {
    const clock = new FakeClock();
    const server = await open({ maxConnections: 2, clock, onStream: saying("yes") });
    const [first, second] = [sessionTo(server), sessionTo(server)];
    for (const session of [first, second, first]) {
      clock.advance(1_000);
      expect(await ask(session)).toBe("yes");
    }
    const closed = once(second, "close");
    expect(await ask(sessionTo(server))).toBe("yes");
    await closed;
    expect(await ask(first)).toBe("yes");
    expect(server.broken).toEqual([]);
  });

  test("those that never spoke leave first, and then those that never got an answer", async () => {
    const clock = new FakeClock();
    const server = await open({ maxConnections: 3, clock, onStream: saying("yes") });
    const good = sessionTo(server);
    expect(await ask(good)).toBe("yes");
    clock.advance(1_000);
    const mute = sessionTo(server);
    await new Promise((resolve) => mute.once("remoteSettings", () => mute.ping(resolve)));
    const silent = await rawSocket(server.port);
    silent.send("PRI");
    expect(await ask(sessionTo(server))).toBe("yes");
    expect(await silent.closed()).toBe("");
    expect(server.broken).toEqual(["too_many_connections"]);
    const left = once(mute, "goaway");
    expect(await ask(sessionTo(server))).toBe("yes");
    expect((await left)[0]).toBe(0);
    expect(await ask(good)).toBe("yes");
    expect(server.broken).toEqual(["too_many_connections"]);
  });

  test("clients that keep their side open do not keep their place", async () => {
    const server = await open({ maxConnections: 10, onStream: saying("yes") });
    const stubborn = Array.from({ length: 30 }, () =>
      connectTcp({ port: server.port, host: "127.0.0.1", allowHalfOpen: true }),
    );
    const closed = stubborn.map((socket) => {
      socket.on("error", () => {}).resume();
      socket.write(hello);
      return once(socket, "end").catch(() => {});
    });
    // At least 20 of them are told to leave, and what they leave is free.
    let left = 0;
    for (const each of closed) {
      void each.then(() => {
        left += 1;
      });
    }
    await expect.poll(() => left).toBeGreaterThanOrEqual(20);
    expect(await ask(sessionTo(server))).toBe("yes");
    for (const socket of stubborn) {
      socket.destroy();
    }
  });

  const goodbye = Buffer.from([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  for (const [who, idleMs, says] of [
    ["by the server", 5_000, undefined],
    ["by its client", 0, goodbye],
  ] as const) {
    test(`one that was ended ${who} is closed after a second, whether or not its client closes its side`, async () => {
      const clock = new FakeClock();
      const server = await open({ clock, maxIdleMs: 5_000, onStream: saying("yes") });
      const socket = connectTcp({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
      socket.on("error", () => {});
      socket.write(hello);
      await once(socket, "data");
      const ended = once(socket.resume(), "end");
      if (says !== undefined) {
        socket.write(says);
      }
      clock.advance(idleMs);
      await ended;
      clock.advance(1_000);
      await expect
        .poll(() => {
          socket.write("x");
          return socket.destroyed;
        })
        .toBe(true);
    });
  }

  test("a client that keeps its side open does not hold up a deadline", async () => {
    const server = await open({ onStream: saying("yes") });
    const socket = connectTcp({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", () => {}).resume();
    socket.write(hello);
    socket.write(http2Frame("headers", flags.endHeaders, 1, headerBlock("/")));
    await once(socket, "data");
    await server.close(AbortSignal.abort());
    socket.destroy();
  });

  test("a further one is closed at once if every other one is busy", async () => {
    const server = await open({ maxConnections: 1, onStream: () => {} });
    const busy = sessionTo(server);
    void ask(busy);
    await new Promise((resolve) => busy.once("remoteSettings", () => busy.ping(resolve)));
    const socket = await rawSocket(server.port);
    expect(await socket.closed()).toBe("");
    expect(server.broken).toEqual(["too_many_connections"]);
  });
});

describe("a server that is replaced", () => {
  /** One that listens, and one that is about to replace it. */
  async function replaced(onStream: (stream: ServerHttp2Stream) => void) {
    const pool = new ListeningSockets();
    const old = pool.ownedBy("receiver a");
    old.activate();
    const before = await open({ sockets: old, onStream });
    const session = sessionTo(before);
    const silent = createConnection({ host: "127.0.0.1", port: before.port });
    await once(silent, "connect");
    await new Promise((resolve) => session.once("remoteSettings", () => session.ping(resolve)));
    const replace = async () => {
      old.setReplaceable(true);
      const next = pool.ownedBy("receiver a");
      const clock = new FakeClock();
      const after = await open({ sockets: next, clock, onStream: saying("new") });
      next.activate();
      await before.close(never);
      return { after, clock };
    };
    return { before, session, silent, replace };
  }

  test("hands its connections over, also those that have said nothing yet", async () => {
    const { session, silent, replace } = await replaced(saying("old"));
    expect(await ask(session)).toBe("old");
    const { after } = await replace();
    expect(await ask(session)).toBe("new");
    expect(await ask(sessionTo(after))).toBe("new");
    expect(await ask(sessionTo(after, silent))).toBe("new");
    const closed = once(session, "close");
    await after.close(never);
    await closed;
  });

  test("answers the streams that it has", async () => {
    const streams: ServerHttp2Stream[] = [];
    const { session, replace } = await replaced((stream) => streams.push(stream));
    const answer = ask(session);
    await expect.poll(() => streams.length).toBe(1);
    await replace();
    saying("old")(streams[0]!);
    expect(await answer).toBe("old");
  });

  test("has its clients leave within seconds, so that they get what is new for connections", async () => {
    const clock = new FakeClock();
    const pool = new ListeningSockets();
    const old = pool.ownedBy("receiver a");
    old.activate();
    const before = await open({ sockets: old, clock, onStream: saying("old") });
    const session = sessionTo(before);
    expect(await ask(session)).toBe("old");
    old.setReplaceable(true);
    const next = pool.ownedBy("receiver a");
    await open({ sockets: next, clock, onStream: saying("new") });
    next.activate();
    await before.close(never);
    clock.advance(9_999);
    expect(await ask(session)).toBe("new");
    const closed = once(session, "close");
    clock.advance(1);
    await closed;
  });
});

describe("a client that takes leave", () => {
  /** As gRPC for Go does: the frame should name a stream of the server, and names one of the client. */
  const goaway = http2Frame(
    "goaway",
    flags.none,
    0,
    Buffer.concat([
      Buffer.from([0, 0, 0, 1, 0, 0, 0, 0]),
      Buffer.from("client transport shutdown"),
    ]),
  );
  const call = http2Frame(
    "headers",
    flags.endStream | flags.endHeaders,
    1,
    headerBlock("/service/Call"),
  );

  test("with the number of its own last stream has broken nothing", async () => {
    const server = await open({ onStream: saying("yes") });
    const socket = await rawSocket(server.port);
    socket.send(Buffer.concat([hello, call]));
    await socket.heard("yes");
    socket.send(goaway);
    await socket.closed();
    expect(server.broken).toEqual([]);
  });

  test("without a call has broken nothing", async () => {
    const server = await open({ onStream: saying("yes") });
    const socket = await rawSocket(server.port);
    socket.send(hello);
    await socket.heard(settingsAck);
    socket.send(goaway);
    await socket.closed();
    expect(server.broken).toEqual([]);
  });

  test("but sends more than that is reported", async () => {
    const server = await open({ onStream: saying("yes") });
    const socket = await rawSocket(server.port);
    socket.send(Buffer.concat([hello, call]));
    await socket.heard("yes");
    socket.send(Buffer.concat([http2Frame("ping", flags.none, 0, new Uint8Array(200)), goaway]));
    await socket.closed();
    expect(server.broken).toEqual(["malformed_http"]);
  });
});
