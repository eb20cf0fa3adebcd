import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Authority, type Credentials, makeAuthority } from "../../support/certificates.ts";
import { openGrpcSink } from "../../support/grpc-sink.ts";
import { backend, cleanups, exporter, ok, type Received } from "./backend.ts";

let ours: Authority;
let theirs: Authority;
let server: Credentials;
let folder: string;

beforeAll(() => {
  ours = makeAuthority("Ours");
  theirs = makeAuthority("Theirs");
  server = ours.issue(["127.0.0.1"]);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "otlp-http-tls-"));
  cleanups.push(() => rm(folder, { recursive: true }));
});

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The name in the certificate that a client showed. */
function clientOf({ request }: Received): unknown {
  return request.socket instanceof TLSSocket ? request.socket.getPeerCertificate().subject?.CN : "";
}

const unverifiedWarning = {
  level: "warn",
  message:
    "The certificate of the server is not verified, because tls.insecure_skip_verify is true. Anybody on the way can read the data; set tls.ca_file instead.",
  fields: undefined,
};

const unreachable = (host: string, reason: string) => ({
  status: "retryable",
  message: `The backend ${host} cannot be reached: ${reason}.`,
});

describe("a backend with https", () => {
  test("is trusted if its certificate is from the authority in ca_file", async () => {
    const { host, received } = await backend(ok, server);
    const tls = { ca_file: await written("ca.pem", ours.ca) };
    const { consume, component } = exporter({ endpoint: `https://${host}`, tls });
    await component.start();
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(received).toHaveLength(1);
  });

  for (const [title, tls, reason] of [
    [
      "another authority",
      () => ({ ca_pem: theirs.ca }),
      "its certificate cannot be verified; see tls.ca_file",
    ],
    ["no authority of ours", () => ({}), "its certificate cannot be verified; see tls.ca_file"],
    [
      "a name that the certificate does not have",
      () => ({ ca_pem: ours.ca, server_name_override: "backend.example" }),
      "its certificate is for another host; see tls.server_name_override",
    ],
    [
      "a version of TLS that the backend does not speak",
      () => ({ ca_pem: ours.ca, min_version: "1.3" }),
      "it speaks no version of TLS that is accepted; see tls.min_version",
    ],
  ] as const) {
    test(`gets no data if the config asks for ${title}`, async () => {
      const { host, received } = await backend(ok, { ...server, maxVersion: "TLSv1.2" });
      const { consume } = exporter({ endpoint: `https://${host}`, tls: tls() });
      expect(await consume("traces")).toEqual(unreachable(host, reason));
      expect(received).toEqual([]);
    });
  }

  test("may have any certificate with insecure_skip_verify", async () => {
    const { host } = await backend(ok, theirs.issue(["elsewhere.example"]));
    const tls = { insecure_skip_verify: true };
    const { consume, component, log } = exporter({ endpoint: `https://${host}`, tls });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    await component.start();
    expect(log).toEqual([unverifiedWarning]);
  });

  test("is warned of once when its certificate is not verified, and not if it has no TLS", async () => {
    const tls = { insecure_skip_verify: true };
    const logs_endpoint = "https://backend.example";
    const { consumer, component, log } = exporter({ endpoint: "http://h", logs_endpoint, tls });
    consumer("traces");
    await component.start();
    expect(log).toEqual([]);
    const both = exporter({ endpoint: "https://h", tls });
    both.consumer("traces");
    both.consumer("logs");
    await both.component.start();
    expect(both.log).toEqual([unverifiedWarning]);
  });

  test("is named when it speaks gRPC only", async () => {
    const { cert, key } = server;
    const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
    const credentials = ServerCredentials.createSsl(null, [pair]);
    const sink = await openGrpcSink({ credentials });
    cleanups.push(() => sink.close());
    const { consume } = exporter({
      endpoint: `https://${sink.endpoint}`,
      tls: { ca_pem: ours.ca },
    });
    expect(await consume("traces")).toEqual(
      unreachable(
        sink.endpoint,
        "it speaks another version of HTTP; if this is a port of OTLP/gRPC, usually 4317, use the exporter otlp_grpc or the port of OTLP/HTTP, usually 4318",
      ),
    );
  });

  test("may have the name of server_name_override", async () => {
    const { host } = await backend(ok, ours.issue(["backend.example"]));
    const tls = { ca_pem: ours.ca, server_name_override: "backend.example" };
    const { consume } = exporter({ endpoint: `https://${host}`, tls });
    expect(await consume("traces")).toEqual({ status: "accepted" });
  });

  test("is not verified by a Host header", async () => {
    const { host } = await backend(ok, server);
    const tls = { ca_pem: ours.ca };
    const section = { endpoint: `https://${host}`, tls, headers: { host: "tenant.example" } };
    expect(await exporter(section).consume("traces")).toEqual({ status: "accepted" });
  });

  test("is named when it speaks no TLS", async () => {
    const { host } = await backend(ok);
    const { consume } = exporter({ endpoint: `https://${host}` });
    expect(await consume("traces")).toEqual(
      unreachable(host, "it does not speak TLS; try http:// instead of https://"),
    );
  });
});

describe("a backend that asks for a certificate", () => {
  const mutual = (maxVersion: "TLSv1.2" | "TLSv1.3" = "TLSv1.3") => ({
    ...server,
    maxVersion,
    ca: ours.ca,
    requestCert: true,
    rejectUnauthorized: true,
  });

  test("gets that of cert_file and key_file", async () => {
    const clients: unknown[] = [];
    const { host } = await backend((response, received) => {
      clients.push(clientOf(received));
      ok(response);
    }, mutual());
    const client = ours.issue(["sidecar"]);
    const { consume } = exporter({
      endpoint: `https://${host}`,
      tls: {
        ca_file: await written("ca.pem", ours.ca),
        cert_file: await written("cert.pem", client.cert),
        key_file: await written("key.pem", client.key),
      },
    });
    expect(await consume("traces")).toEqual({ status: "accepted" });
    expect(clients).toEqual(["sidecar"]);
  });

  test("says so when there is none", async () => {
    const { host, received } = await backend(ok, mutual("TLSv1.2"));
    const { consume } = exporter({ endpoint: `https://${host}`, tls: { ca_pem: ours.ca } });
    expect(await consume("traces")).toEqual(
      unreachable(
        host,
        "it refuses the TLS handshake, perhaps because it wants a client certificate; see tls.cert_file",
      ),
    );
    expect(received).toEqual([]);
  });

  for (const [title, client] of [
    ["none", () => ({})],
    [
      "one of another authority",
      () => {
        const { cert: cert_pem, key: key_pem } = theirs.issue(["sidecar"]);
        return { cert_pem, key_pem };
      },
    ],
  ] as const) {
    test(`gets no data over TLS 1.3, where it refuses after the handshake, with ${title}`, async () => {
      const { host, received } = await backend(ok, mutual());
      const tls = { ca_pem: ours.ca, ...client() };
      expect(await exporter({ endpoint: `https://${host}`, tls }).consume("traces")).toMatchObject({
        status: "retryable",
      });
      expect(received).toEqual([]);
    });
  }
});

describe("files that change while the exporter runs", () => {
  /** An exporter with a new connection for each request, and a backend that notes who its clients are. */
  async function running() {
    const clients: unknown[] = [];
    const note = (response: ServerResponse, received: Received) => {
      clients.push(clientOf(received));
      ok(response);
    };
    const asking = { requestCert: true, rejectUnauthorized: false };
    const { host, server: listener } = await backend(note, { ...server, ...asking });
    const first = ours.issue(["first"]);
    const made = exporter({
      endpoint: `https://${host}`,
      disable_keep_alives: true,
      tls: {
        ca_file: await written("ca.pem", ours.ca),
        cert_file: await written("cert.pem", first.cert),
        key_file: await written("key.pem", first.key),
      },
    });
    await made.component.start();
    expect(await made.consume("traces")).toEqual({ status: "accepted" });
    return { ...made, clients, listener, host };
  }

  test("are used for new connections: another client certificate", async () => {
    const { consume, clients, clock, log } = await running();
    const second = ours.issue(["second"]);
    await written("cert.pem", second.cert);
    await written("key.pem", second.key);
    await consume("traces");
    clock.advance(10_000);
    await consume("traces");
    expect(clients).toEqual(["first", "first", "second"]);
    expect(log).toEqual([
      {
        level: "info",
        message: "Changed certificate files are used for new connections.",
        fields: undefined,
      },
    ]);
  });

  test("are used for new connections: another authority", async () => {
    const { consume, clock, listener, host } = await running();
    if (!("setSecureContext" in listener)) {
      throw new Error("It is no https server.");
    }
    listener.setSecureContext(theirs.issue(["127.0.0.1"]));
    expect(await consume("traces")).toEqual(
      unreachable(host, "its certificate cannot be verified; see tls.ca_file"),
    );
    await written("ca.pem", theirs.ca);
    clock.advance(10_000);
    expect(await consume("traces")).toEqual({ status: "accepted" });
  });

  test("are not used while they cannot be: an operator learns it, and the old ones stay", async () => {
    const { consume, clients, clock, log } = await running();
    await written("cert.pem", "not a certificate");
    clock.advance(10_000);
    await consume("traces");
    await consume("traces");
    expect(clients).toEqual(["first", "first", "first"]);
    expect(log).toEqual([
      {
        level: "error",
        message:
          "Changed certificate files cannot be used; the ones read before stay in use. Correct the files.",
        fields: {
          problem: expect.stringContaining(`The cert_file ${join(folder, "cert.pem")}`),
          held_back: 0,
        },
      },
    ]);
  });
});

describe("files that cannot be used at the start", () => {
  test("keep the exporter from starting", async () => {
    const path = join(folder, "none.pem");
    const { component, consumer } = exporter({
      endpoint: "https://127.0.0.1:1",
      tls: { ca_file: path },
    });
    consumer("traces");
    await expect(component.start()).rejects.toThrow(`The ca_file ${path} cannot be read (ENOENT).`);
  });

  test("are not looked at if only the URL of a signal without a pipeline begins with https", async () => {
    const { component, consumer } = exporter({
      endpoint: "http://127.0.0.1:1",
      logs_endpoint: "https://127.0.0.1:1",
      tls: { ca_file: join(folder, "none.pem") },
    });
    consumer("traces");
    await component.start();
  });
});
