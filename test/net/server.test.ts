import type { IncomingMessage, ServerResponse } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import type { BrokenRequest } from "../../src/net/broken-requests.ts";
import { type HttpServer, hostPortOf, type ListenOptions, listen } from "../../src/net/server.ts";
import { deferred } from "../support/deferred.ts";
import { rawSocket } from "./raw-socket.ts";

const opened: HttpServer[] = [];
const now = AbortSignal.abort();
const never = new AbortController().signal;

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close(now)));
});

async function open(options: Partial<ListenOptions> = {}) {
  const broken: BrokenRequest[] = [];
  const errors: unknown[] = [];
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: (_, response) => response.end("fine"),
    onBroken: (reason) => broken.push(reason),
    onError: (error) => errors.push(error),
    ...options,
  });
  opened.push(server);
  return { server, broken, errors, url: `http://${hostPortOf(server)}/` };
}

/** A handler that waits until it is told to answer. */
function held() {
  const arrived = deferred<ServerResponse>();
  const handler = (_: IncomingMessage, response: ServerResponse) => arrived.resolve(response);
  return { handler, arrived: arrived.promise };
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

describe("listening", () => {
  test("port 0 takes a free port and says which", async () => {
    const { server, url } = await open();
    expect(server.host).toBe("127.0.0.1");
    expect(server.port).toBeGreaterThan(0);
    expect(await (await fetch(url)).text()).toBe("fine");
  });

  test("an address that is taken is named in the error", async () => {
    const { server } = await open();
    await expect(open({ port: server.port })).rejects.toThrow(
      `Cannot listen on 127.0.0.1:${server.port}: the address is already in use.`,
    );
  });

  test("an address of another machine is named in the error", async () => {
    await expect(open({ host: "192.0.2.1", port: 4318 })).rejects.toThrow(
      "Cannot listen on 192.0.2.1:4318: this machine has no such address.",
    );
  });

  test("an IPv6 address is written with brackets", () => {
    expect(hostPortOf({ host: "::1", port: 4318 })).toBe("[::1]:4318");
  });
});

describe("a handler that fails", () => {
  for (const [how, handler] of [
    [
      "throws",
      () => {
        throw new Error("bug");
      },
    ],
    ["rejects", async () => Promise.reject(new Error("bug"))],
  ] as const) {
    test(`and ${how} is answered with 500, and the next request is served`, async () => {
      let isFirst = true;
      const { url, errors } = await open({
        handler(_, response) {
          if (isFirst) {
            isFirst = false;
            return handler();
          }
          return response.end("fine");
        },
      });
      expect((await fetch(url)).status).toBe(500);
      expect(errors).toEqual([new Error("bug")]);
      expect(await (await fetch(url)).text()).toBe("fine");
    });
  }

  test("halfway through its answer cuts the connection instead of ending the answer as if it were whole", async () => {
    const { url, errors } = await open({
      handler(_, response) {
        response.write("half");
        throw new Error("bug");
      },
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow();
    expect(errors).toHaveLength(1);
  });
});

describe("a broken client", () => {
  for (const [what, sent, line, reason] of [
    ["that does not speak HTTP gets 400", "HELO there\r\n\r\n", "400", "malformed_http"],
    ["that speaks TLS gets 400", "\u0016\u0003\u0001 hello\r\n\r\n", "400", "unexpected_tls"],
    [
      "with two lengths gets 400",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
      "400",
      "malformed_http",
    ],
    [
      "with too many headers gets 431",
      `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"y".repeat(20_000)}\r\n\r\n`,
      "431",
      "headers_too_large",
    ],
    [
      "with a malformed chunk gets 400",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "400",
      "malformed_http",
    ],
  ] as const) {
    test(`${what} and is survived`, async () => {
      const { server, url, broken } = await open({
        handler(request, response) {
          request.resume().on("end", () => response.end("fine"));
        },
      });
      const socket = await rawSocket(server.port);
      socket.send(sent);
      expect(await socket.closed()).toMatch(new RegExp(`^HTTP/1.1 ${line} `));
      expect(broken).toEqual([reason]);
      expect(await (await fetch(url)).text()).toBe("fine");
    });
  }

  test("that is silent after connecting is cut", async () => {
    const { server, broken } = await open({ headersTimeoutMs: 50, requestTimeoutMs: 100 });
    const socket = await rawSocket(server.port);
    expect(await socket.closed()).toMatch(/^HTTP\/1.1 408 /);
    expect(broken).toEqual(["timeout"]);
  });

  test("that sends its headers too slowly is cut", async () => {
    const { server, broken } = await open({ headersTimeoutMs: 50, requestTimeoutMs: 100 });
    const socket = await rawSocket(server.port);
    socket.send("GET / HTTP/1.1\r\nHost:");
    expect(await socket.closed()).toMatch(/^HTTP\/1.1 408 /);
    expect(broken).toEqual(["timeout"]);
  });

  test("that sends its body too slowly is cut and counted once", async () => {
    const { server, broken } = await open({
      headersTimeoutMs: 50,
      requestTimeoutMs: 100,
      handler(request) {
        request.resume();
      },
    });
    const socket = await rawSocket(server.port);
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    expect(await socket.closed()).toMatch(/^HTTP\/1.1 408 /);
    expect(broken).toEqual(["timeout"]);
  });

  test("that leaves in the middle of its body is counted", async () => {
    const counted = deferred<BrokenRequest>();
    const arrived = deferred<void>();
    const { server } = await open({
      onBroken: counted.resolve,
      handler(request) {
        request.resume();
        arrived.resolve();
      },
    });
    const socket = await rawSocket(server.port);
    socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    await arrived.promise;
    socket.destroy();
    expect(await counted.promise).toBe("disconnected");
  });

  test("that leaves between requests is not counted", async () => {
    const { server, broken, url } = await open();
    const socket = await rawSocket(server.port);
    socket.send(get);
    await socket.heard("fine");
    socket.destroy();
    await fetch(url);
    expect(broken).toEqual([]);
  });

  test("beyond the limit of connections is turned away if every other one is busy", async () => {
    const { handler, arrived } = held();
    const { server, broken } = await open({ maxConnections: 1, handler });
    const first = await rawSocket(server.port);
    first.send(get);
    const response = await arrived;
    const second = await rawSocket(server.port);
    expect(await second.closed()).toBe("");
    expect(broken).toEqual(["too_many_connections"]);
    response.end("fine");
    expect(await first.heard("fine")).toContain("fine");
  });

  test("beyond the limit of connections takes the place of one without a request, and then of one that is idle", async () => {
    const { server, broken } = await open({ maxConnections: 2 });
    const idle = await rawSocket(server.port);
    idle.send(get);
    await idle.heard("fine");
    const silent = await rawSocket(server.port);
    silent.send("GET / HT");
    const third = await rawSocket(server.port);
    expect(await silent.closed()).toBe("");
    expect(broken).toEqual(["too_many_connections"]);
    third.send(get);
    await third.heard("fine");
    idle.send(get);
    await idle.heard("fine");
    const fourth = await rawSocket(server.port);
    expect(await third.closed()).toContain("fine");
    fourth.send(get);
    expect(await fourth.heard("fine")).toContain("fine");
    expect(broken).toEqual(["too_many_connections"]);
  });
});

describe("at the limit of connections", () => {
  const [many, few] = ["127.0.0.2", "127.0.0.3"] as const;
  const idle = async (port: number, from: string) => {
    const socket = await rawSocket(port, from);
    socket.send(get);
    await socket.heard("fine");
    return socket;
  };

  test("the peer that has most gives one up, not the one that is idle for longest", async () => {
    const { server, broken } = await open({ maxConnections: 4 });
    const own = await idle(server.port, few);
    const first = await idle(server.port, many);
    const second = await idle(server.port, many);
    await idle(server.port, many);
    const third = await idle(server.port, many);
    expect(await first.closed()).toContain("fine");
    const other = await idle(server.port, few);
    expect(await second.closed()).toContain("fine");
    for (const socket of [own, third, other]) {
      socket.send(get.replace("/", "/again"));
      await socket.heard("fine");
    }
    expect(broken).toEqual([]);
  });

  test("one that has only been refused goes before one that was served", async () => {
    const { server } = await open({
      maxConnections: 2,
      handler: ({ url }, response) => {
        response.statusCode = url === "/no" ? 404 : 200;
        response.end("fine");
      },
    });
    const served = await idle(server.port, many);
    const refused = await rawSocket(server.port, many);
    refused.send(get.replace("/", "/no"));
    await refused.heard("fine");
    const next = await idle(server.port, few);
    expect(await refused.closed()).toContain("404");
    expect(await idle(server.port, many)).toBeDefined();
    expect(await served.closed()).toContain("200");
    next.destroy();
  });

  test("a peer leaves an eighth to others", async () => {
    let arrived = 0;
    const handler = () => {
      arrived += 1;
    };
    const { server, broken } = await open({ maxConnections: 16, handler });
    const busy = await Promise.all(Array.from({ length: 14 }, () => rawSocket(server.port, many)));
    for (const socket of busy) {
      socket.send(get);
    }
    await expect.poll(() => arrived).toBe(14);
    const further = await rawSocket(server.port, many);
    expect(await further.closed()).toBe("");
    expect(broken).toEqual(["too_many_connections"]);
    const others = [await rawSocket(server.port, few), await rawSocket(server.port, few)];
    const answered = Promise.race(others.map((socket) => socket.closed()));
    expect(await Promise.race([answered, idleTurns(10)])).toBe("open");
  });

  test("a request that waits for its client is ended if it is of the peer that has most", async () => {
    const arrived: IncomingMessage[] = [];
    const { server } = await open({
      maxConnections: 2,
      handler: (request, response) => {
        if (request.url === "/") {
          response.end("fine");
        } else {
          arrived.push(request);
        }
      },
      onFull: (isOneOf) => {
        const found = arrived.find(({ socket }) => isOneOf(socket));
        found?.socket.destroy();
        return found?.socket;
      },
    });
    const slow = await Promise.all(Array.from({ length: 2 }, () => rawSocket(server.port, many)));
    for (const socket of slow) {
      socket.send("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    }
    await expect.poll(() => arrived.length).toBe(2);
    expect(await idle(server.port, few)).toBeDefined();
    await Promise.race(slow.map((socket) => socket.closed()));
  });
});

async function idleTurns(turns: number): Promise<"open"> {
  for (let turn = 0; turn < turns; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  return "open";
}

test("more than 16 requests that are not answered end their connection", async () => {
  let requests = 0;
  const { server, broken, url } = await open({
    handler: (_, response) => {
      requests += 1;
      response.end("fine");
    },
  });
  const socket = await rawSocket(server.port);
  socket.send(get.repeat(5_000));
  await socket.closed();
  expect([requests, broken]).toEqual([16, ["flood"]]);
  expect(await (await fetch(url)).text()).toBe("fine");
});

test("answers that clients do not read are dropped beyond 16 MiB, the largest first", async () => {
  const { server, broken, url } = await open({
    handler: ({ url: path }, response) => {
      response.end(path === "/large" ? Buffer.alloc(12 * 1024 * 1024) : "fine");
    },
  });
  const clients = Array.from({ length: 3 }, () => {
    const client = connect({ host: "127.0.0.1", port: server.port });
    client.on("error", () => {});
    client.pause();
    client.write(get.replace("/", "/large"));
    return client;
  });
  await expect
    .poll(async () => {
      await (await fetch(url)).text();
      return broken;
    })
    .toEqual(["unread", "unread"]);
  for (const client of clients) {
    client.destroy();
  }
});

test("a connection on which nothing moves is closed in the end", async () => {
  const { server } = await open({ inactivityTimeoutMs: 50, handler: () => {} });
  const socket = await rawSocket(server.port);
  socket.send(get);
  expect(await socket.closed()).toBe("");
});

test("a client that waits for the answer to a whole request is not cut, however long it takes", async () => {
  const { handler, arrived } = held();
  const { server } = await open({
    inactivityTimeoutMs: 20,
    handler: (request, response) => {
      request.resume();
      handler(request, response);
    },
  });
  const socket = await rawSocket(server.port);
  socket.send(get);
  const response = await arrived;
  const silent = await rawSocket(server.port);
  silent.send("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  expect(await silent.closed()).toBe("");
  response.end("late");
  expect(await socket.heard("late")).toContain("late");
});

test("a client that does not read its answer is cut", async () => {
  const ended = deferred<boolean>();
  const { server } = await open({
    inactivityTimeoutMs: 50,
    handler: (request, response) => {
      request.resume();
      response.once("close", () => ended.resolve(response.writableFinished));
      setImmediate(() => response.end(Buffer.alloc(64 * 1024 * 1024)));
    },
  });
  const client = connect({ host: "127.0.0.1", port: server.port });
  client.on("error", () => {});
  client.write(get);
  client.pause();
  expect(await ended.promise).toBe(false);
  client.destroy();
});

test("one connection serves one request after another", async () => {
  const { server } = await open({ handler: ({ url }, response) => response.end(`at ${url}`) });
  const socket = await rawSocket(server.port);
  socket.send(get);
  await socket.heard("at /");
  socket.send(get.replace("/", "/again"));
  expect(await socket.heard("at /again")).toContain("at /again");
  socket.destroy();
});

describe("closing", () => {
  test("lets a request in flight finish and tells the sender not to come back", async () => {
    const { handler, arrived } = held();
    const { server, url } = await open({ handler });
    const answer = fetch(url);
    const response = await arrived;
    const closed = server.close(never);
    await expect(fetch(url)).rejects.toThrow();
    response.end("late but whole");
    const received = await answer;
    expect(received.headers.get("connection")).toBe("close");
    expect(await received.text()).toBe("late but whole");
    await closed;
  });

  test("ends a connection whose answer has begun as soon as that is whole", async () => {
    const { handler, arrived } = held();
    const { server } = await open({ handler });
    const socket = await rawSocket(server.port);
    socket.send(get);
    const response = await arrived;
    response.write("first half, ");
    await socket.heard("first half, ");
    const closed = server.close(never);
    response.end("second half");
    expect(await socket.closed()).toContain("second half");
    await closed;
  });

  test("answers every request that was pipelined before", async () => {
    const responses: ServerResponse[] = [];
    const both = deferred<void>();
    const { server } = await open({
      handler(_, response) {
        if (responses.push(response) === 2) both.resolve();
      },
    });
    const socket = await rawSocket(server.port);
    socket.send(get + get);
    await both.promise;
    const closed = server.close(never);
    responses[0]?.end("first");
    responses[1]?.end("second");
    expect(await socket.closed()).toMatch(/first.*second/s);
    await closed;
  });

  test("does not wait for a client that stopped in the middle of its request, but for one that goes on", async () => {
    const { server, broken } = await open({
      handler: (request, response) => {
        void text(request).then(
          (body) => response.end(body),
          () => {},
        );
      },
    });
    const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n";
    const [stopped, slow] = [await rawSocket(server.port), await rawSocket(server.port)];
    stopped.send(`${head}ab`);
    slow.send(`${head}ab`);
    await (await fetch(`http://127.0.0.1:${server.port}/`)).text(); // Both have arrived.
    const closed = server.close(never);
    slow.send("cd");
    expect(await slow.heard("abcd")).toContain("abcd");
    expect(await stopped.closed()).toBe("");
    await closed;
    await expect.poll(() => broken).toEqual(["disconnected"]);
  });

  test("does not wait for connections that are idle or never spoke", async () => {
    const { server, broken } = await open();
    const silent = await rawSocket(server.port);
    const idle = await rawSocket(server.port);
    idle.send(get);
    await idle.heard("fine");
    await server.close(never);
    expect(await silent.closed()).toBe("");
    await idle.closed();
    expect(broken).toEqual([]);
  });

  test("cuts what is left when the deadline aborts", async () => {
    const { handler, arrived } = held();
    const { server } = await open({ handler });
    const socket = await rawSocket(server.port);
    socket.send(get);
    await arrived;
    const deadline = new AbortController();
    const closed = server.close(deadline.signal);
    deadline.abort();
    await closed;
    expect(await socket.closed()).toBe("");
  });

  test("cuts at once when the deadline is over already", async () => {
    const { handler, arrived } = held();
    const { server } = await open({ handler });
    const socket = await rawSocket(server.port);
    socket.send(get);
    await arrived;
    await server.close(now);
    expect(await socket.closed()).toBe("");
  });

  test("twice is safe, and the second deadline counts too", async () => {
    const { handler, arrived } = held();
    const { server } = await open({ handler });
    const socket = await rawSocket(server.port);
    socket.send(get);
    await arrived;
    await Promise.all([server.close(never), server.close(now)]);
    await server.close(never);
    expect(await socket.closed()).toBe("");
  });
});
