import { once } from "node:events";
import { type ClientHttp2Session, connect, type ServerHttp2Stream } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Http2Server, listenHttp2 } from "../../src/net/http2-server.ts";
import { ListeningSockets, type SocketOwner } from "../../src/net/listening-sockets.ts";
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
  readonly onStream: (stream: ServerHttp2Stream) => void;
}

async function open({ port = 0, clock = new FakeClock(), onStream, ...options }: Options) {
  const broken: string[] = [];
  const server = await listenHttp2({
    address: { host: "127.0.0.1", port },
    clock,
    random: () => 0.5,
    http1Answer: "",
    maxConcurrentStreams: 100,
    keepalive: {
      maxIdleMs: undefined,
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
