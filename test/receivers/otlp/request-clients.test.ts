import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ServerAuthenticator } from "../../../src/component/authenticator.ts";
import { type Authority, type Credentials, makeAuthority } from "../../support/certificates.ts";
import { framed, grpcHeaders, grpcStatusOf, rawCall, rawSession } from "./grpc-client.ts";
import { closeReceivers, openReceiver } from "./open-receiver.ts";
import { oneItem } from "./otlp-requests.ts";

/** Lets everybody in who has a word, and knows the name of those whose word is one. */
const names: ServerAuthenticator = {
  challenge: "Bearer",
  authenticate: ({ authorization }) => {
    const [, word] = String(authorization ?? "").split(" ");
    if (word === undefined) {
      return { ok: false, refused: "unauthenticated", message: "No." };
    }
    return word === "shared" ? { ok: true } : { ok: true, client: word };
  },
};
const body = oneItem("traces", "protobuf");
const protobuf = { "content-type": "application/x-protobuf" };

let folder: string;
let ours: Authority;
let tls: Record<string, unknown>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "request-clients-"));
  ours = makeAuthority("Ours");
  const { cert, key } = ours.issue(["localhost", "127.0.0.1"]);
  await writeFile(join(folder, "ca.pem"), ours.ca);
  tls = { cert_pem: cert, key_pem: key, client_ca_file: join(folder, "ca.pem") };
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeReceivers);

/** Posts over TLS; connections of one `agent` resume each other. */
function postTls(
  url: string,
  credentials: Credentials,
  {
    agent,
    authorization,
    onResumed,
  }: {
    readonly agent?: Agent;
    readonly authorization?: string;
    /** Whether the connection resumed an earlier one. */
    readonly onResumed?: (isResumed: boolean) => void;
  } = {},
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${url.replace("http:", "https:")}/v1/traces`,
      {
        method: "POST",
        headers: { ...protobuf, ...(authorization === undefined ? {} : { authorization }) },
        ca: ours.ca,
        ...credentials,
        ...(agent === undefined ? {} : { agent }),
      },
      (answer) => {
        answer.resume().once("end", () => resolve(answer.statusCode));
      },
    );
    sent.once("socket", (socket) => {
      socket.once("secureConnect", () => {
        onResumed?.(socket instanceof TLSSocket && socket.isSessionReused());
      });
    });
    sent.once("error", reject).end(body);
  });
}

describe("the client of a request", () => {
  test("is the one that the authenticator names, the same over HTTP and gRPC", async () => {
    const auth = { authenticator: "names/a" };
    const { url, grpcPort, payloads } = await openReceiver({
      http: { auth },
      grpc: { auth },
      authenticator: names,
    });
    for (const word of ["alice", "bob", "alice", "shared"]) {
      const headers = { ...protobuf, authorization: `Bearer ${word}` };
      await fetch(`${url}/v1/traces`, { method: "POST", headers, body });
    }
    const session = rawSession(grpcPort);
    const answer = await rawCall(session, [framed(body)], {
      headers: grpcHeaders({ authorization: "Bearer alice" }),
    }).answer;
    session.destroy();
    expect(grpcStatusOf(answer)).toBe("0");
    const [alice, bob, again, shared, overGrpc] = payloads.map(({ client }) => client);
    expect([again, overGrpc]).toEqual([alice, alice]);
    expect(new Set([alice, bob, shared, undefined]).size).toBe(4);
  });

  test("of one authenticator is none of another one, whatever their names", async () => {
    const [a, b] = await Promise.all(
      ["names/a", "names/b"].map(async (authenticator) => {
        const receiver = await openReceiver({
          http: { auth: { authenticator } },
          authenticator: names,
        });
        const headers = { ...protobuf, authorization: "Bearer alice" };
        await fetch(`${receiver.url}/v1/traces`, { method: "POST", headers, body });
        return receiver.payloads[0]?.client;
      }),
    );
    expect(a).not.toBe(b);
  });

  test("is absent without authentication, whatever credentials a request has", async () => {
    const { url, payloads } = await openReceiver();
    const headers = { ...protobuf, authorization: "Bearer alice" };
    await fetch(`${url}/v1/traces`, { method: "POST", headers, body });
    expect(payloads[0]).not.toHaveProperty("client");
  });
});

describe("the client of a connection with a certificate", () => {
  test("is the one that the certificate names, also a renewed one, over HTTP and gRPC", async () => {
    const { url, grpcPort, payloads } = await openReceiver({ http: { tls }, grpc: { tls } });
    const [first, renewed] = [ours.issue(["alice"]), ours.issue(["alice"])];
    for (const credentials of [first, renewed, ours.issue(["bob"])]) {
      expect(await postTls(url, credentials)).toBe(200);
    }
    const session = connect(`https://127.0.0.1:${grpcPort}`, { ca: ours.ca, ...renewed });
    expect(grpcStatusOf(await rawCall(session, [framed(body)]).answer)).toBe("0");
    session.destroy();
    const [alice, again, bob, overGrpc] = payloads.map(({ client }) => client);
    expect([again, overGrpc]).toEqual([alice, alice]);
    expect(new Set([alice, bob, undefined]).size).toBe(3);
  });

  test("does not depend on the addresses in the certificate, and on its other names", async () => {
    const { url, payloads } = await openReceiver({ http: { tls } });
    for (const names of [
      ["alice", "10.0.0.1", "b.example"],
      ["alice", "b.example", "10.0.0.2"],
      ["alice", "c.example"],
    ]) {
      expect(await postTls(url, ours.issue(names))).toBe(200);
    }
    const [first, moved, other] = payloads.map(({ client }) => client);
    expect(moved).toBe(first);
    expect(other).not.toBe(first);
  });

  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`is known on a resumed connection of ${version}`, async () => {
      const receiver = await openReceiver({ http: { tls } });
      const agent = new Agent({ maxCachedSessions: 10, minVersion: version, maxVersion: version });
      const credentials = ours.issue(["alice"]);
      const resumed: boolean[] = [];
      const onResumed = (isResumed: boolean) => resumed.push(isResumed);
      for (let times = 0; times < 3; times += 1) {
        expect(await postTls(receiver.url, credentials, { agent, onResumed })).toBe(200);
      }
      agent.destroy();
      expect(resumed).toContain(true);
      const clients = new Set(receiver.payloads.map(({ client }) => client));
      expect([...clients]).toEqual([expect.stringContaining("alice")]);
    });
  }

  test("is the one that the authenticator names, if it names one", async () => {
    const { url, payloads } = await openReceiver({
      http: { tls, auth: { authenticator: "names" } },
      authenticator: names,
    });
    const [one, two] = [ours.issue(["alice"]), ours.issue(["bob"])];
    for (const [credentials, word] of [
      [one, "carol"],
      [two, "carol"],
      [one, "shared"],
      [two, "shared"],
    ] as const) {
      await postTls(url, credentials, { authorization: `Bearer ${word}` });
    }
    const [a, b, c, d] = payloads.map(({ client }) => client);
    expect(b).toBe(a);
    expect(new Set([a, c, d]).size).toBe(3);
  });
});
