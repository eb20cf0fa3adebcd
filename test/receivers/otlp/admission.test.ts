import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ServerAuthenticator } from "../../../src/component/authenticator.ts";
import { rawSocket } from "../../net/raw-socket.ts";
import { type Authority, type Credentials, makeAuthority } from "../../support/certificates.ts";
import { callGrpc } from "./grpc-client.ts";
import { closeReceivers, openReceiver } from "./open-receiver.ts";
import { oneItem } from "./otlp-requests.ts";

let ours: Authority;
let server: Credentials;
let client: Credentials;

beforeAll(() => {
  ours = makeAuthority("Ours");
  server = ours.issue(["localhost", "127.0.0.1"]);
  client = ours.issue(["client"]);
});
afterEach(closeReceivers);

const word: ServerAuthenticator = {
  challenge: "Bearer",
  authenticate: ({ authorization }) =>
    authorization === "Bearer word"
      ? { ok: true }
      : { ok: false, refused: "unauthenticated", message: "The credentials are wrong." },
};

const body = oneItem("traces", "protobuf");
const protobuf = { "content-type": "application/x-protobuf" };

function post(url: string, headers: Record<string, string>, path = "/v1/traces") {
  return fetch(`${url}${path}`, { method: "POST", headers: { ...protobuf, ...headers }, body });
}

async function say(port: number, head: readonly string[], bytes: Uint8Array = body) {
  const socket = await rawSocket(port);
  socket.send(`${head.join("\r\n")}\r\n\r\n`);
  socket.send(bytes);
  return socket.closed();
}

describe("credentials", () => {
  test("let a request in", async () => {
    const { url, payloads } = await openReceiver({
      http: { auth: { authenticator: "word" } },
      authenticator: word,
    });
    expect((await post(url, { authorization: "Bearer word" })).status).toBe(200);
    expect(payloads).toHaveLength(1);
  });

  test("that are wrong get 401 with a Status in the encoding of the request, and are counted", async () => {
    const { url, payloads, refused, lines } = await openReceiver({
      http: { auth: { authenticator: "word" } },
      authenticator: word,
    });
    const answer = await fetch(`${url}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer my-secret" },
      body: "{}",
    });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    expect(await answer.json()).toEqual({ code: 16, message: "The credentials are wrong." });
    const binary = await post(url, {});
    expect(binary.headers.get("content-type")).toBe("application/x-protobuf");
    expect([...(await binary.bytes())].slice(0, 2)).toEqual([8, 16]);
    expect(payloads).toEqual([]);
    expect(await refused()).toEqual({ unauthenticated: 2 });
    expect(JSON.stringify(lines)).not.toContain("my-secret");
    expect(lines.filter(({ message }) => message.includes("credentials"))).toHaveLength(1);
  });
});

describe("the host of a request", () => {
  test("must be one of this machine while the receiver listens only there", async () => {
    const { port, payloads, refused, lines } = await openReceiver();
    const head = (host: string) => [
      "POST /v1/traces HTTP/1.1",
      `Host: ${host}`,
      "Connection: close",
      "Content-Type: application/x-protobuf",
      `Content-Length: ${body.length}`,
    ];
    expect(await say(port, head("evil.example:4318"))).toMatch(/^HTTP\/1\.1 403 /);
    expect(payloads).toEqual([]);
    expect(await say(port, head("localhost:4318"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(payloads).toHaveLength(1);
    expect(await refused()).toEqual({ unknown_host: 1 });
    expect(lines.some(({ message }) => message.includes("allowed_hosts"))).toBe(true);
  });

  test("is checked in an absolute target too, which otherwise is as good as a path", async () => {
    const { port, payloads } = await openReceiver();
    const head = (target: string) => [
      `POST ${target} HTTP/1.1`,
      "Host: localhost",
      "Connection: close",
      "Content-Type: application/x-protobuf",
      `Content-Length: ${body.length}`,
    ];
    expect(await say(port, head("http://localhost:4318/v1/traces"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await say(port, head("HTTP://127.0.0.1/v1/traces?a=b"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await say(port, head("http://evil.example/v1/traces"))).toMatch(/^HTTP\/1\.1 403 /);
    expect(payloads).toHaveLength(2);
  });
});

describe("paths are those of the Collector", () => {
  for (const [path, status] of [
    ["/v1/traces?token=a", 200],
    ["/v1/%74races", 200],
    ["/v1/traces/", 404],
    ["/V1/traces", 404],
    ["/v1/traces%2f", 404],
    ["/v1/%zz", 404],
  ] as const) {
    test(`${path} gets ${status}`, async () => {
      const { url } = await openReceiver();
      expect((await post(url, {}, path)).status).toBe(status);
    });
  }
});

describe("oddities of HTTP/1.1", () => {
  for (const encoding of ["x-gzip", "GZIP", "gzip, identity", "identity,X-GZIP", " gzip ,"]) {
    test(`Content-Encoding: ${encoding} is gzip`, async () => {
      const { port, payloads } = await openReceiver();
      const zipped = gzipSync(body);
      const answer = await say(
        port,
        [
          "POST /v1/traces HTTP/1.1",
          "Host: localhost",
          "Connection: close",
          "Content-Type: application/x-protobuf",
          `Content-Encoding: ${encoding}`,
          `Content-Length: ${zipped.length}`,
        ],
        zipped,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(payloads.map(({ bytes }) => Buffer.from(bytes))).toEqual([Buffer.from(body)]);
    });
  }

  test("two encodings get 400", async () => {
    const { url } = await openReceiver();
    expect((await post(url, { "content-encoding": "gzip, gzip" })).status).toBe(400);
  });

  test("a client that waits for 100 Continue gets it, and its body in chunks is taken", async () => {
    const { port, payloads } = await openReceiver();
    const socket = await rawSocket(port);
    socket.send(
      "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-protobuf\r\n\r\n",
    );
    expect(await socket.heard("100 Continue")).toMatch(/^HTTP\/1\.1 100 Continue/);
    socket.send(`${body.length.toString(16)}\r\n`);
    socket.send(body);
    socket.send("\r\n0\r\n\r\n");
    expect(await socket.closed()).toContain("HTTP/1.1 200 OK");
    expect(payloads.map(({ bytes }) => Buffer.from(bytes))).toEqual([Buffer.from(body)]);
  });
});

describe("pages in a browser", () => {
  const http = {
    cors: { allowed_origins: ["https://*.example.com"], allowed_headers: ["Authorization"] },
    auth: { authenticator: "word" },
    response_headers: { "X-Frame-Options": "DENY" },
  };

  test("ask first, and need no credentials for that", async () => {
    const { url, lines, refused } = await openReceiver({ http, authenticator: word });
    const answer = await fetch(`${url}/v1/traces`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(answer.headers.get("x-frame-options")).toBe("DENY");
    expect(lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
    expect(await refused()).toEqual({});
  });

  test("may read answers, also those that refuse", async () => {
    const { url } = await openReceiver({ http, authenticator: word });
    const origin = "https://app.example.com";
    for (const [authorization, status] of [
      ["Bearer word", 200],
      ["Bearer wrong", 401],
    ] as const) {
      const answer = await post(url, { origin, authorization });
      expect(answer.status).toBe(status);
      expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
      expect(answer.headers.get("x-frame-options")).toBe("DENY");
    }
  });

  test("may not without cors", async () => {
    const { url } = await openReceiver();
    const answer = await post(url, { origin: "https://app.example.com" });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await fetch(`${url}/v1/traces`, {
      method: "OPTIONS",
      headers: { origin: "https://a", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(405);
  });
});

test("OTLP over TLS needs a client certificate with client_ca_file, and says so in the log", async () => {
  const folder = await mkdtemp(join(tmpdir(), "admission-"));
  const caFile = join(folder, "ca.pem");
  await writeFile(caFile, ours.ca);
  const { port, payloads, refused, lines } = await openReceiver({
    http: { tls: { cert_pem: server.cert, key_pem: server.key, client_ca_file: caFile } },
  });
  const send = (options: object) =>
    new Promise<number | string | undefined>((resolve) => {
      const sent = httpsRequest(
        {
          host: "127.0.0.1",
          port,
          method: "POST",
          path: "/v1/traces",
          headers: protobuf,
          ca: ours.ca,
          agent: false,
          ...options,
        },
        (response) => response.resume().on("end", () => resolve(response.statusCode)),
      );
      sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
      sent.end(body);
    });
  expect(await send({ cert: client.cert, key: client.key })).toBe(200);
  expect(await send({})).not.toBe(200);
  expect(payloads).toHaveLength(1);
  await expect.poll(() => refused()).toEqual({ tls_handshake: 1 });
  expect(lines.some(({ message }) => message.includes("TLS handshake"))).toBe(true);
  await rm(folder, { recursive: true });
});

describe("OTLP over gRPC", () => {
  test("is taken over TLS from whom the authenticator knows", async () => {
    const { grpcPort, payloads, refused, lines } = await openReceiver({
      grpc: {
        tls: { cert_pem: server.cert, key_pem: server.key },
        auth: { authenticator: "word" },
      },
      authenticator: word,
    });
    const call = (authorization: string) =>
      callGrpc(grpcPort, "traces", body, { ca: ours.ca, metadata: { authorization } });
    expect((await call("Bearer word")).code).toBe(0);
    const wrong = await call("Bearer my-secret");
    expect([wrong.code, wrong.details]).toEqual([16, "The credentials are wrong."]);
    expect((await callGrpc(grpcPort, "traces", body)).code).toBe(14);
    expect(payloads).toHaveLength(1);
    expect(await refused("grpc")).toMatchObject({ unauthenticated: 1 });
    expect(JSON.stringify(lines)).not.toContain("my-secret");
  });

  test("is refused if its authority is not one of this machine", async () => {
    const { grpcPort, payloads, refused } = await openReceiver({ grpc: {} });
    const call = (authority: string) =>
      callGrpc(grpcPort, "traces", body, { channel: { "grpc.default_authority": authority } });
    expect((await call("localhost:4317")).code).toBe(0);
    expect((await call("evil.example")).code).toBe(7);
    expect(payloads).toHaveLength(1);
    expect(await refused("grpc")).toEqual({ unknown_host: 1 });
  });
});

test("OTLP over a unix socket is taken, whatever its host says", async () => {
  const folder = await mkdtemp(join(tmpdir(), "admission-"));
  const path = join(folder, "otlp.sock");
  const { payloads } = await openReceiver({ http: { endpoint: path, transport: "unix" } });
  const status = await new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        socketPath: path,
        path: "/v1/traces",
        method: "POST",
        headers: { ...protobuf, host: "whatever.example" },
        agent: false,
      },
      (response) => response.resume().on("end", () => resolve(response.statusCode)),
    );
    sent.on("error", reject).end(body);
  });
  expect(status).toBe(200);
  expect(payloads).toHaveLength(1);
  await closeReceivers();
  await rm(folder, { recursive: true });
});
