import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { request } from "node:https";
import { connect as connectPlain, createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect, type SecureVersion } from "node:tls";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { serverTlsOptions } from "../../src/config/server-tls-options.ts";
import type { BrokenRequest } from "../../src/net/broken-requests.ts";
import { type HttpServer, listen } from "../../src/net/server.ts";
import { openServerTls } from "../../src/net/server-tls.ts";
import { TlsAcceptor } from "../../src/net/tls-acceptor.ts";
import { type Authority, type Credentials, makeAuthority } from "../support/certificates.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rawSocket } from "./raw-socket.ts";

let ours: Authority;
let theirs: Authority;
let first: Credentials;
let second: Credentials;
let client: Credentials;
let stranger: Credentials;
let folder: string;
const cleanUps: (() => unknown)[] = [];
const now = AbortSignal.abort();

beforeAll(() => {
  ours = makeAuthority("Ours");
  theirs = makeAuthority("Theirs");
  first = ours.issue(["localhost", "127.0.0.1"]);
  second = ours.issue(["renewed.example", "127.0.0.1"]);
  client = ours.issue(["client"]);
  stranger = theirs.issue(["stranger"]);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "server-tls-"));
  cleanUps.push(() => rm(folder, { recursive: true }));
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) {
    await cleanUp();
  }
});

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  // Replaced at once, as a renewal does, so that no reading finds half of it.
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return path;
}

async function serverTls(section: object) {
  const clock = new FakeClock();
  const reports: string[] = [];
  const config = serverTlsOptions().parse(section);
  if (config === undefined) {
    throw new Error("There is no section.");
  }
  const tls = await openServerTls(config, {
    after: (delayMs, run) => clock.after(delayMs, run),
    onReloaded: () => reports.push("reloaded"),
    onReloadFailed: (problem) => reports.push(problem),
  });
  return { tls, clock, reports };
}

/** A server that answers with the path of the request. */
async function open(section: object) {
  const made = await serverTls(section);
  const broken: (readonly [BrokenRequest, string | undefined])[] = [];
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    tls: made.tls,
    handler: (incoming, response) => response.end(incoming.url),
    onBroken: (reason, code) => broken.push([reason, code]),
  });
  cleanUps.push(() => server.close(now));
  return { ...made, server, broken };
}

async function files() {
  return {
    cert_file: await written("cert.pem", first.cert),
    key_file: await written("key.pem", first.key),
  };
}

/** The names in the certificate of the server, after a request was answered; or the code of the error. */
function visit({ port }: HttpServer, options: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(
      { host: "127.0.0.1", port, path: "/here", ca: ours.ca, agent: false, ...options },
      (response) => {
        const { socket } = response;
        const names = "getPeerCertificate" in socket ? peerNames(socket) : "none";
        response.resume().on("end", () => resolve(names));
      },
    );
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end();
  });
}

function peerNames(socket: object): string {
  const certificate: unknown = Reflect.get(socket, "getPeerCertificate").call(socket);
  return String(Reflect.get(Object(certificate), "subjectaltname"));
}

const firstNames = "DNS:localhost, IP Address:127.0.0.1";
const secondNames = "DNS:renewed.example, IP Address:127.0.0.1";

describe("a server with TLS", () => {
  test("answers requests over TLS", async () => {
    const { server } = await open(await files());
    expect(await visit(server)).toBe(firstNames);
  });

  test("takes the certificate and the key as text as well", async () => {
    const { server } = await open({ cert_pem: first.cert, key_pem: first.key });
    expect(await visit(server)).toBe(firstNames);
  });

  for (const [client, says, answer] of [
    ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", /^HTTP\/1.1 400 .*to an HTTPS server/s],
    [
      "HTTP with a body",
      `POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n${"x".repeat(9)}`,
      /^HTTP\/1.1 400 .*to an HTTPS server/s,
    ],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", /^(?!HTTP)/],
  ] as const) {
    test(`reports a client of ${client} without TLS as such, and says so if it understands`, async () => {
      const { server, broken } = await open(await files());
      const socket = await rawSocket(server.port);
      socket.send(says);
      expect(await socket.closed()).toMatch(answer);
      expect(broken.map(([reason]) => reason)).toEqual(["unexpected_plaintext"]);
    });
  }

  test("does not count a client that connects and leaves, as probes of a port do", async () => {
    const { server, broken } = await open(await files());
    const socket = await rawSocket(server.port);
    socket.destroy();
    expect(await visit(server)).toBe(firstNames);
    expect(broken).toEqual([]);
  });

  for (const [title, options, max] of [
    ["TLS 1.1 by default", {}, "TLSv1.1"],
    ["TLS 1.2 if min_version is 1.3", { min_version: "1.3" }, "TLSv1.2"],
  ] as const) {
    test(`refuses ${title}`, async () => {
      const { server, broken } = await open({ ...(await files()), ...options });
      const version: SecureVersion = max;
      const got = await visit(server, {
        minVersion: version,
        maxVersion: version,
        ciphers: "DEFAULT@SECLEVEL=0",
      });
      expect(got).not.toBe(firstNames);
      expect(broken.map(([reason]) => reason)).toEqual(["tls_handshake"]);
    });
  }

  test("closes with connections whose handshake is not finished", async () => {
    const { server } = await open(await files());
    const socket = await rawSocket(server.port);
    // The answer of another client proves that the first connection was accepted.
    await visit(server);
    await server.close(new AbortController().signal);
    expect(await socket.closed()).toBe("");
  });

  test("answers the request in progress before it closes", async () => {
    const made = await serverTls(await files());
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<() => void>();
    const server = await listen({
      host: "127.0.0.1",
      port: 0,
      tls: made.tls,
      handler: (_, response) => arrive(() => response.end("late")),
    });
    const got = visit(server);
    const finish = await arrived;
    const closed = server.close(new AbortController().signal);
    finish();
    expect(await got).toBe(firstNames);
    await closed;
  });
});

describe("client certificates", () => {
  for (const [who, options, isIn] of [
    ["with one of the authority", () => ({ cert: client.cert, key: client.key }), true],
    ["with one of another authority", () => ({ cert: stranger.cert, key: stranger.key }), false],
    ["without one", () => ({}), false],
  ] as const) {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      test(`client_ca_file ${isIn ? "lets in" : "refuses"} a client ${who} over ${maxVersion}`, async () => {
        const { server, broken } = await open({
          ...(await files()),
          client_ca_file: await written("clients.pem", ours.ca),
        });
        const got = await visit(server, { ...options(), maxVersion });
        expect(got === firstNames).toBe(isIn);
        expect(broken.map(([reason]) => reason)).toEqual(isIn ? [] : ["tls_handshake"]);
      });
    }
  }

  test("the authorities of the system do not certify clients", async () => {
    const { tls } = await serverTls({
      ...(await files()),
      client_ca_file: await written("clients.pem", ours.ca),
    });
    expect(tls.options.ca).toHaveLength(1);
    expect(tls.verifiesClients).toBe(true);
  });

  test("include_system_ca_certs_pool lets them", async () => {
    const { tls } = await serverTls({
      ...(await files()),
      client_ca_file: await written("clients.pem", ours.ca),
      include_system_ca_certs_pool: true,
    });
    expect(Array.isArray(tls.options.ca) && tls.options.ca.length > 1).toBe(true);
  });
});

describe("changed files", () => {
  test("are used for new connections while the server runs", async () => {
    const { server, clock, reports } = await open(await files());
    expect(await visit(server)).toBe(firstNames);
    await written("cert.pem", second.cert);
    await written("key.pem", second.key);
    clock.advance(10_000);
    await expect.poll(() => reports).toEqual(["reloaded"]);
    expect(await visit(server)).toBe(secondNames);
    // The next look has ended when the one after it is scheduled.
    clock.advance(10_000);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    expect(reports).toEqual(["reloaded"]);
  });

  test("leave open connections as they are", async () => {
    const { server, clock, reports } = await open(await files());
    const socket = connect({ port: server.port, host: "127.0.0.1", ca: ours.ca });
    cleanUps.push(() => socket.destroy());
    await new Promise<void>((resolve) => socket.once("secureConnect", resolve));
    await written("cert.pem", second.cert);
    await written("key.pem", second.key);
    clock.advance(10_000);
    await expect.poll(() => reports).toEqual(["reloaded"]);
    const answer = new Promise<string>((resolve) =>
      socket.once("data", (chunk: Buffer) => resolve(chunk.toString())),
    );
    socket.write("GET /there HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(await answer).toContain("200 OK");
  });

  test("that cannot be used leave the old ones in use, with a report, until they can be", async () => {
    const { server, clock, reports } = await open(await files());
    await written("cert.pem", "garbage");
    clock.advance(10_000);
    await expect.poll(() => reports).toHaveLength(1);
    expect(reports[0]).toContain(`The cert_file ${folder}/cert.pem has no certificate`);
    expect(await visit(server)).toBe(firstNames);
    await written("cert.pem", second.cert);
    clock.advance(10_000);
    await expect.poll(() => reports).toHaveLength(2);
    expect(reports[1]).toContain("does not belong to it");
    await written("key.pem", second.key);
    clock.advance(10_000);
    await expect.poll(() => reports.at(-1)).toBe("reloaded");
    expect(await visit(server)).toBe(secondNames);
  });

  test("of client authorities decide about new connections, those that resume a session included", async () => {
    const { server, clock, reports } = await open({
      ...(await files()),
      client_ca_file: await written("clients.pem", ours.ca),
    });
    const own = { cert: client.cert, key: client.key, maxVersion: "TLSv1.2" } as const;
    const session = await sessionWith(server, own);
    expect(await visit(server, { ...own, session })).not.toContain("ERR");
    await written("clients.pem", theirs.ca);
    clock.advance(10_000);
    await expect.poll(() => reports).toEqual(["reloaded"]);
    expect(await visit(server, { ...own, session })).not.toBe(firstNames);
    expect(await visit(server, { cert: stranger.cert, key: stranger.key })).toBe(firstNames);
  });

  test("are not looked at with a reload_interval of 0s", async () => {
    const { server, clock } = await open({ ...(await files()), reload_interval: "0s" });
    expect(clock.pendingTimers).toBe(0);
    expect(await visit(server)).toBe(firstNames);
  });

  test("of client authorities are looked at with client_ca_file_reload, whatever the reload_interval", async () => {
    const { server, clock, reports } = await open({
      ...(await files()),
      client_ca_file: await written("clients.pem", theirs.ca),
      client_ca_file_reload: true,
      reload_interval: "0s",
    });
    await written("clients.pem", ours.ca);
    await written("cert.pem", second.cert);
    await written("key.pem", second.key);
    clock.advance(10_000);
    await expect.poll(() => reports).toEqual(["reloaded"]);
    expect(await visit(server, { cert: client.cert, key: client.key })).toBe(firstNames);
  });

  test("of client authorities are not used if client_ca_file_reload is false", async () => {
    const { server, clock, reports } = await open({
      ...(await files()),
      client_ca_file: await written("clients.pem", theirs.ca),
      client_ca_file_reload: false,
    });
    await written("clients.pem", ours.ca);
    await written("cert.pem", second.cert);
    await written("key.pem", second.key);
    clock.advance(10_000);
    await expect.poll(() => reports).toEqual(["reloaded"]);
    expect(await visit(server, { cert: stranger.cert, key: stranger.key })).toBe(secondNames);
    expect(await visit(server, { cert: client.cert, key: client.key })).not.toBe(secondNames);
  });

  test("are not looked at any more when the server has closed", async () => {
    const { server, clock } = await open(await files());
    expect(clock.pendingTimers).toBe(1);
    await server.close(now);
    expect(clock.pendingTimers).toBe(0);
  });

  test("are not looked at after a server could not listen", async () => {
    const { server } = await open(await files());
    const { tls, clock } = await serverTls(await files());
    const taken = listen({ host: "127.0.0.1", port: server.port, tls, handler: () => {} });
    await expect(taken).rejects.toThrow("already in use");
    expect(clock.pendingTimers).toBe(0);
  });
});

describe("what cannot be used at the start is named", () => {
  for (const [title, section, message] of [
    [
      "a file that is missing",
      async () => ({ ...(await files()), cert_file: join(folder, "none.pem") }),
      () => `The cert_file ${folder}/none.pem cannot be read (ENOENT).`,
    ],
    [
      "an authority of clients that is missing",
      async () => ({ ...(await files()), client_ca_file: join(folder, "none.pem") }),
      () => `The client_ca_file ${folder}/none.pem cannot be read (ENOENT).`,
    ],
    [
      "an authority of clients without a certificate",
      async () => ({ ...(await files()), client_ca_file: await written("ca.pem", first.key) }),
      () => `The client_ca_file ${folder}/ca.pem has no certificate`,
    ],
    [
      "a key of another certificate",
      async () => ({ ...(await files()), key_file: await written("other.pem", second.key) }),
      () =>
        `The key_file ${folder}/other.pem for the cert_file ${folder}/cert.pem does not belong to it.`,
    ],
  ] as const) {
    test(title, async () => {
      await expect(serverTls(await section())).rejects.toThrow(message());
    });
  }
});

test("the TLS of a server of HTTP/2 is the same", async () => {
  const { tls } = await serverTls(await files());
  const http2 = createHttp2Server();
  http2.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.end("two");
  });
  const acceptor = new TlsAcceptor({
    tls,
    protocols: ["h2"],
    handshakeTimeoutMs: 10_000,
    onSecure: (socket) => http2.emit("connection", socket),
    onFailed: () => {},
    onPlaintext: () => {},
  });
  const listener = createNetServer((socket) => acceptor.accept(socket));
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => new Promise((resolve) => listener.close(resolve)));
  cleanUps.push(() => acceptor.close());
  const address = listener.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: ours.ca });
  const stream = session.request({ ":path": "/" });
  const body = await new Promise<string>((resolve, reject) => {
    stream.once("error", reject);
    stream.once("data", (chunk: Buffer) => resolve(chunk.toString()));
  });
  session.destroy();
  expect(body).toBe("two");
});

test("a handshake that takes too long ends", async () => {
  const { tls } = await serverTls(await files());
  const broken: (readonly [BrokenRequest, string | undefined])[] = [];
  const server = await listen({
    host: "127.0.0.1",
    port: 0,
    tls,
    headersTimeoutMs: 50,
    handler: () => {},
    onBroken: (reason, code) => broken.push([reason, code]),
  });
  cleanUps.push(() => server.close(now));
  const socket = connectPlain({ port: server.port, host: "127.0.0.1" });
  await new Promise((resolve) => socket.once("close", resolve));
  expect(broken).toEqual([["tls_handshake", "ERR_TLS_HANDSHAKE_TIMEOUT"]]);
});

function sessionWith({ port }: HttpServer, options: ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", ca: ours.ca, ...options });
    socket.once("session", (session: Buffer) => {
      socket.end();
      resolve(session);
    });
    socket.once("error", reject);
  });
}
