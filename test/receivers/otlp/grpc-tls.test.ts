import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type ClientHttp2Session, connect } from "node:http2";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ServerAuthenticator } from "../../../src/component/authenticator.ts";
import { type Authority, type Credentials, makeAuthority } from "../../support/certificates.ts";
import { deferred } from "../../support/deferred.ts";
import { framed, grpcHeaders, grpcStatusOf, rawCall, rawSession } from "./grpc-client.ts";
import { closeReceivers, openReceiver } from "./open-receiver.ts";
import { oneItem } from "./otlp-requests.ts";

let folder: string;
let ours: Authority;
let tls: { readonly cert_pem: string; readonly key_pem: string };
let client: Credentials;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "grpc-tls-"));
  ours = makeAuthority("Ours");
  const { cert, key } = ours.issue(["localhost", "127.0.0.1"]);
  tls = { cert_pem: cert, key_pem: key };
  client = ours.issue(["client"]);
  await writeFile(join(folder, "ca.pem"), ours.ca);
});
afterAll(() => rm(folder, { recursive: true }));

const sessions: ClientHttp2Session[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) {
    session.destroy();
  }
  await closeReceivers();
});

const trace = oneItem("traces", "protobuf");

function kept(session: ClientHttp2Session): ClientHttp2Session {
  session.on("error", () => {});
  sessions.push(session);
  return session;
}

const statusOver = async (session: ClientHttp2Session) =>
  grpcStatusOf(await rawCall(session, [framed(trace)]).answer);

describe("TLS", () => {
  test("with client_ca_file lets in clients with a certificate only", async () => {
    const receiver = await openReceiver({
      grpc: { tls: { ...tls, client_ca_file: join(folder, "ca.pem") } },
    });
    const url = `https://127.0.0.1:${receiver.grpcPort}`;
    expect(await statusOver(kept(connect(url, { ca: ours.ca, ...client })))).toBe("0");
    expect(await statusOver(kept(connect(url, { ca: ours.ca })))).toBeUndefined();
    await expect.poll(() => receiver.refused("grpc")).toEqual({ tls_handshake: 1 });
    expect(receiver.payloads).toHaveLength(1);
  });

  test("refuses a client that speaks HTTP/2 without having said so in the handshake, and serves the next one once", async () => {
    const receiver = await openReceiver({ grpc: { tls } });
    const socket = connectTls({ host: "127.0.0.1", port: receiver.grpcPort, ca: ours.ca });
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe(false);
    const session = kept(connect("http://127.0.0.1", { createConnection: () => socket }));
    expect(await statusOver(session)).toBeUndefined();
    expect(await receiver.refused("grpc")).toEqual({ tls_handshake: 1 });
    const url = `https://127.0.0.1:${receiver.grpcPort}`;
    expect(await statusOver(kept(connect(url, { ca: ours.ca })))).toBe("0");
    expect(receiver.payloads).toHaveLength(1);
  });

  test("counts a client without TLS, and shows it in the log", async () => {
    const receiver = await openReceiver({ grpc: { tls } });
    expect(await statusOver(kept(rawSession(receiver.grpcPort)))).toBeUndefined();
    await expect.poll(() => receiver.refused("grpc")).toEqual({ unexpected_plaintext: 1 });
    expect(receiver.lines.at(-1)).toMatchObject({
      level: "warn",
      message: expect.stringMatching(/https:\/\/ instead of http:\/\//),
    });
  });

  test("is shut down with its connections, and with handshakes that have not ended", async () => {
    const receiver = await openReceiver({ grpc: { tls } });
    const session = kept(connect(`https://127.0.0.1:${receiver.grpcPort}`, { ca: ours.ca }));
    expect(await statusOver(session)).toBe("0");
    const silent = createConnection({ host: "127.0.0.1", port: receiver.grpcPort });
    await once(silent, "connect");
    const closed = [once(session, "close"), once(silent, "close")];
    await receiver.component.shutdown(new AbortController().signal);
    await Promise.all(closed);
  });
});

test("a unix socket is served, whatever the authority says", async () => {
  const path = join(folder, "otlp.sock");
  const receiver = await openReceiver({ grpc: { endpoint: path, transport: "unix" } });
  const session = kept(
    connect("http://anything.example", { createConnection: () => createConnection(path) }),
  );
  expect(await statusOver(session)).toBe("0");
  expect(receiver.payloads).toMatchObject([{ transport: "grpc" }]);
});

describe("an authenticator", () => {
  const serverOf = (authenticate: ServerAuthenticator["authenticate"]) => ({
    grpc: { auth: { authenticator: "word" } },
    authenticator: { challenge: "Bearer", authenticate },
  });

  test("that is busy makes the client come again", async () => {
    const receiver = await openReceiver(
      serverOf(() => ({ ok: false, refused: "busy", message: "Later." })),
    );
    const { answer } = rawCall(kept(rawSession(receiver.grpcPort)), [framed(trace)]);
    const { head } = await answer;
    expect([head?.["grpc-status"], head?.["grpc-status-details-bin"]]).toEqual([
      "14",
      expect.any(String),
    ]);
    expect(await receiver.refused("grpc")).toEqual({ busy: 1 });
  });

  test("that takes its time is waited for until the deadline of the call", async () => {
    const answered = deferred<{ readonly ok: true }>();
    const receiver = await openReceiver(serverOf(() => answered.promise));
    const headers = grpcHeaders({ "grpc-timeout": "5S" });
    const session = kept(rawSession(receiver.grpcPort));
    const { answer } = rawCall(session, [framed(trace)], { headers });
    await once(session, "connect");
    await new Promise((resolve) => session.ping(resolve));
    receiver.clock.advance(5_000);
    expect(grpcStatusOf(await answer)).toBe("4");
    answered.resolve({ ok: true });
    await expect.poll(() => receiver.refused("grpc")).toEqual({ disconnected: 1 });
    expect(receiver.payloads).toEqual([]);
  });

  test("that has a bug costs its call", async () => {
    const receiver = await openReceiver(serverOf(() => Promise.reject(new Error("secret"))));
    const session = kept(rawSession(receiver.grpcPort));
    expect(await statusOver(session)).toBe("13");
    expect(await receiver.refused("grpc")).toEqual({ fault: 1 });
    expect(JSON.stringify(receiver.lines)).not.toContain("secret");
  });
});
