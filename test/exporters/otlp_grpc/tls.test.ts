import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Authority, type Credentials, makeAuthority } from "../../support/certificates.ts";
import { openGrpcSink } from "../../support/grpc-sink.ts";
import { afterwards, exporter } from "./exporter-fixture.ts";

let ours: Authority;
let theirs: Authority;
let server: Credentials;
let client: Credentials;
let folder: string;

beforeAll(() => {
  ours = makeAuthority("Ours");
  theirs = makeAuthority("Theirs");
  server = ours.issue(["localhost", "127.0.0.1"]);
  client = ours.issue(["client"]);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "otlp-grpc-"));
  afterwards(() => rm(folder, { recursive: true }));
});

async function secureSink({ cert, key }: Credentials = server, clientCa?: string) {
  const credentials = ServerCredentials.createSsl(
    clientCa === undefined ? null : Buffer.from(clientCa),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    clientCa !== undefined,
  );
  const sink = await openGrpcSink({ credentials });
  afterwards(() => sink.close());
  return sink;
}

describe("with TLS", () => {
  test("a request goes to a server whose authority is in ca_file", async () => {
    const { endpoint, requests } = await secureSink();
    const { consume } = exporter({ endpoint, tls: { ca_pem: ours.ca } });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(requests.length).toBe(1);
  });

  test("https:// is TLS, and a name is verified although its address is used", async () => {
    const { port } = await secureSink(ours.issue(["localhost"]));
    const { consume } = exporter({
      endpoint: `https://localhost:${port}`,
      tls: { ca_pem: ours.ca },
    });
    expect(await consume("traces")).toEqual({ status: "accepted" });
  });

  test("server_name_override is the name in the certificate and the authority", async () => {
    const { endpoint, requests } = await secureSink(ours.issue(["elsewhere.example"]));
    const tls = { ca_pem: ours.ca, server_name_override: "elsewhere.example" };
    expect(await exporter({ endpoint, tls }).consume("traces")).toEqual({ status: "accepted" });
    expect(requests[0]?.authority).toBe("elsewhere.example");
  });

  test("the host of authority is the name in the certificate", async () => {
    const { endpoint, requests } = await secureSink(ours.issue(["elsewhere.example"]));
    const { consume } = exporter({
      endpoint,
      tls: { ca_pem: ours.ca },
      authority: "elsewhere.example:443",
    });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(requests[0]?.authority).toBe("elsewhere.example:443");
  });

  test("the client shows its certificate", async () => {
    const { endpoint } = await secureSink(server, ours.ca);
    const tls = { ca_pem: ours.ca, cert_pem: client.cert, key_pem: client.key };
    expect(await exporter({ endpoint, tls }).consume("traces")).toEqual({ status: "accepted" });
  });

  for (const [title, tls, words] of [
    [
      "of another authority",
      () => ({ ca_pem: theirs.ca }),
      "its certificate cannot be verified; see tls.ca_file",
    ],
    [
      "for another host",
      () => ({ ca_pem: ours.ca, server_name_override: "other.example" }),
      "its certificate is for another host; see tls.server_name_override",
    ],
  ] as const) {
    test(`a server with a certificate ${title} gets nothing`, async () => {
      const { endpoint, requests } = await secureSink();
      expect(await exporter({ endpoint, tls: tls() }).consume("traces")).toEqual({
        status: "retryable",
        message: `The backend ${endpoint} cannot be reached: ${words}.`,
      });
      expect(requests).toEqual([]);
    });
  }

  test("insecure_skip_verify takes any certificate, and is warned of at the start", async () => {
    const { endpoint } = await secureSink();
    const tls = { insecure_skip_verify: true };
    const { consume, component, log } = exporter({ endpoint, tls });
    await component.start();
    expect(log).toEqual([
      {
        level: "warn",
        message:
          "The certificate of the server is not verified, because tls.insecure_skip_verify is true. Anybody on the way can read the data; set tls.ca_file instead.",
        fields: undefined,
      },
    ]);
    expect(await consume("traces")).toEqual({ status: "accepted" });
  });

  test("a server that asks for a certificate gets nothing without one", async () => {
    const { endpoint, requests } = await secureSink(server, ours.ca);
    const { consume } = exporter({ endpoint, tls: { ca_pem: ours.ca } });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: expect.stringMatching(/wants a client certificate|closed the connection/),
    });
    expect(requests).toEqual([]);
  });

  test("a server without TLS is named as such", async () => {
    const sink = await openGrpcSink();
    afterwards(() => sink.close());
    const { consume } = exporter({ endpoint: sink.endpoint, tls: {} });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend ${sink.endpoint} cannot be reached: it does not speak TLS; set tls.insecure: true if it should not.`,
    });
  });

  test("a server that does not choose HTTP/2 is named as such, and gets nothing", async () => {
    const listener = createServer({ cert: server.cert, key: server.key }, () => {});
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    afterwards(() => new Promise((resolve) => listener.close(resolve)));
    const { port } = listener.address() as AddressInfo;
    const { consume } = exporter({ endpoint: `127.0.0.1:${port}`, tls: { ca_pem: ours.ca } });
    expect(await consume("traces")).toEqual({
      status: "retryable",
      message: `The backend 127.0.0.1:${port} cannot be reached: it does not speak HTTP/2; the endpoint must be that of OTLP/gRPC.`,
    });
  });

  test("and without TLS, a server with TLS gets nothing", async () => {
    const { endpoint, requests } = await secureSink();
    expect(await exporter({ endpoint }).consume("traces")).toMatchObject({ status: "retryable" });
    expect(requests).toEqual([]);
  });
});

describe("files of tls", () => {
  test("that cannot be used end the start", async () => {
    const path = join(folder, "ca.pem");
    const { component } = exporter({ endpoint: "127.0.0.1:1", tls: { ca_file: path } });
    await expect(component.start()).rejects.toThrow(`The ca_file ${path} cannot be read (ENOENT).`);
  });

  test("that have changed are used by the next connection", async () => {
    const path = join(folder, "ca.pem");
    await writeFile(path, theirs.ca);
    const { endpoint } = await secureSink();
    const { consume, clock, component, log } = exporter({ endpoint, tls: { ca_file: path } });
    await component.start();
    expect(await consume("traces")).toMatchObject({ status: "retryable" });
    await writeFile(path, ours.ca);
    clock.advance(10_000);
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(log.map(({ message }) => message)).toContain(
      "The files of tls have changed. New connections use them.",
    );
  });

  test("that have changed and cannot be used are reported, and the old ones are used", async () => {
    const path = join(folder, "ca.pem");
    await writeFile(path, ours.ca);
    const { endpoint } = await secureSink();
    const { consume, clock, component, log } = exporter({ endpoint, tls: { ca_file: path } });
    await component.start();
    await writeFile(path, "topsecret");
    clock.advance(10_000);
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(log.filter(({ level }) => level === "warn").map(({ fields }) => fields)).toEqual([
      {
        problem: `The ca_file ${path} has no certificate; it must have a part that begins with -----BEGIN CERTIFICATE-----.`,
        held_back: 0,
      },
    ]);
  });
});
