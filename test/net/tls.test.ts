import { createPrivateKey } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TlsOptions } from "node:tls";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { clientTlsOptions } from "../../src/config/tls-options.ts";
import { type ClientTlsOptions, createClientTls } from "../../src/net/tls.ts";
import { type Authority, type Credentials, makeAuthority } from "../support/certificates.ts";

let ours: Authority;
let theirs: Authority;
let server: Credentials;
let client: Credentials;
let folder: string;
const cleanUps: (() => unknown)[] = [];

beforeAll(() => {
  ours = makeAuthority("Ours");
  theirs = makeAuthority("Theirs");
  server = ours.issue(["localhost", "127.0.0.1"]);
  client = ours.issue(["client"]);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "tls-"));
  cleanUps.push(() => rm(folder, { recursive: true }));
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) {
    await cleanUp();
  }
});

/** A loader of this `tls` section, with what it reported. */
function loader(section: unknown) {
  const time = { nowMs: 0 };
  const reports: string[] = [];
  const next = createClientTls(clientTlsOptions().parse(section), {
    nowMs: () => time.nowMs,
    onReloaded: () => reports.push("reloaded"),
    onReloadFailed: (problem) => reports.push(problem),
  });
  return { next, time, reports };
}

async function written(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** The port of a server that answers each connection with the name in the client's certificate, or with "nobody". */
async function listening(options: TlsOptions = {}): Promise<number> {
  const listener = createServer({ cert: server.cert, key: server.key, ...options }, (socket) => {
    socket.on("error", () => {});
    const { subject } = socket.getPeerCertificate();
    socket.end(String(subject?.CN ?? "nobody"));
  });
  listener.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  cleanUps.push(() => new Promise((resolve) => listener.close(resolve)));
  const address = listener.address() as AddressInfo;
  return address.port;
}

/** What the server sent, or the code of the error. */
function visit(port: number, options: ClientTlsOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", ...options });
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

describe("a connection", () => {
  test("trusts servers of the authority in ca_file", async () => {
    const { next } = loader({ ca_file: await written("ca.pem", ours.ca) });
    expect(await visit(await listening(), await next())).toBe("nobody");
  });

  test("trusts the authority in ca_pem as well", async () => {
    const { next } = loader({ ca_pem: ours.ca });
    expect(await visit(await listening(), await next())).toBe("nobody");
  });

  test("trusts each authority of a file with several", async () => {
    const { next } = loader({ ca_pem: `${theirs.ca}\nA comment.\n${ours.ca}` });
    expect(await visit(await listening(), await next())).toBe("nobody");
  });

  for (const [title, section] of [
    ["another authority", () => ({ ca_pem: theirs.ca })],
    ["the authorities of the system only", () => ({})],
  ] as const) {
    test(`refuses a server if it trusts ${title}`, async () => {
      const { next } = loader(section());
      expect(await visit(await listening(), await next())).toMatch(
        /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT_LOCALLY)$/,
      );
    });
  }

  test("trusts its own authority beside those of the system", async () => {
    const { next } = loader({ ca_pem: ours.ca, include_system_ca_certs_pool: true });
    expect(await visit(await listening(), await next())).toBe("nobody");
  });

  test("accepts any certificate with insecure_skip_verify", async () => {
    const { next } = loader({ insecure_skip_verify: true });
    expect(await visit(await listening(), await next())).toBe("nobody");
  });

  test("refuses a certificate for another host", async () => {
    const { cert, key } = ours.issue(["elsewhere.example"]);
    const { next } = loader({ ca_pem: ours.ca });
    expect(await visit(await listening({ cert, key }), await next())).toBe(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
  });

  test("takes a certificate for server_name_override", async () => {
    const { cert, key } = ours.issue(["elsewhere.example"]);
    const { next } = loader({ ca_pem: ours.ca, server_name_override: "elsewhere.example" });
    expect(await visit(await listening({ cert, key }), await next())).toBe("nobody");
  });

  test("shows the client's certificate", async () => {
    const { next } = loader({
      ca_pem: ours.ca,
      cert_file: await written("cert.pem", client.cert),
      key_file: await written("key.pem", client.key),
    });
    const port = await listening({ ca: ours.ca, requestCert: true, rejectUnauthorized: true });
    expect(await visit(port, await next())).toBe("client");
  });

  test("is refused without the client's certificate that the server asks for", async () => {
    const { next } = loader({ ca_pem: ours.ca });
    const port = await listening({ ca: ours.ca, requestCert: true, rejectUnauthorized: true });
    expect(await visit(port, await next())).not.toBe("nobody");
  });

  for (const [title, section, maxVersion, want] of [
    ["of the oldest version accepts TLS 1.2", {}, "TLSv1.2", "nobody"],
    ["with min_version 1.3 refuses TLS 1.2", { min_version: "1.3" }, "TLSv1.2", /ERR_SSL/],
    ["with max_version 1.2 refuses TLS 1.3", { max_version: "1.2" }, "TLSv1.3", /ERR_SSL/],
  ] as const) {
    test(title, async () => {
      const { next } = loader({ ca_pem: ours.ca, ...section });
      const port = await listening({ minVersion: maxVersion, maxVersion });
      expect(await visit(port, await next())).toMatch(want);
    });
  }
});

describe("changed files", () => {
  test("are used by the next connection after reload_interval, and not before", async () => {
    const path = await written("ca.pem", theirs.ca);
    const { next, time, reports } = loader({ ca_file: path });
    const first = await next();
    await writeFile(path, ours.ca);
    time.nowMs = 9_999;
    expect(await next()).toBe(first);
    time.nowMs = 10_000;
    const port = await listening();
    expect(await visit(port, await next())).toBe("nobody");
    expect(await visit(port, first)).not.toBe("nobody");
    expect(reports).toEqual(["reloaded"]);
  });

  test("are not looked for with a reload_interval of 0s", async () => {
    const path = await written("ca.pem", theirs.ca);
    const { next, time } = loader({ ca_file: path, reload_interval: "0s" });
    const first = await next();
    await writeFile(path, ours.ca);
    time.nowMs = 1e9;
    expect(await next()).toBe(first);
  });

  test("keep the secure context if they have the same contents", async () => {
    const path = await written("ca.pem", ours.ca);
    const { next, time, reports } = loader({ ca_file: path });
    const first = await next();
    await writeFile(path, ours.ca);
    time.nowMs = 10_000;
    expect(await next()).toBe(first);
    expect(reports).toEqual([]);
  });

  test("that cannot be used leave the old ones in use, until they can be", async () => {
    const path = await written("ca.pem", ours.ca);
    const { next, time, reports } = loader({ ca_file: path });
    const first = await next();
    await writeFile(path, ours.ca.slice(0, 100));
    time.nowMs = 10_000;
    expect(await next()).toBe(first);
    await rm(path);
    time.nowMs = 20_000;
    expect(await next()).toBe(first);
    await writeFile(path, theirs.ca);
    time.nowMs = 30_000;
    expect(await next()).not.toBe(first);
    expect(reports).toEqual([
      `The ca_file ${path} has no certificate; it must have a part that begins with -----BEGIN CERTIFICATE-----.`,
      `The ca_file ${path} cannot be read (ENOENT).`,
      "reloaded",
    ]);
  });

  test("of a pair are not used until both fit", async () => {
    const cert = await written("cert.pem", client.cert);
    const key = await written("key.pem", client.key);
    const { next, time, reports } = loader({ cert_file: cert, key_file: key });
    const first = await next();
    const renewed = ours.issue(["renewed"]);
    await writeFile(cert, renewed.cert);
    time.nowMs = 10_000;
    expect(await next()).toBe(first);
    await writeFile(key, renewed.key);
    time.nowMs = 20_000;
    expect(await next()).not.toBe(first);
    expect(reports).toEqual([
      `The key_file ${key} for the cert_file ${cert} does not belong to it.`,
      "reloaded",
    ]);
  });

  test("are read once for connections that open at the same time", async () => {
    const { next, time } = loader({ ca_file: await written("ca.pem", ours.ca) });
    const [a, b] = await Promise.all([next(), next()]);
    expect(a).toBe(b);
    time.nowMs = 10_000;
    await writeFile(join(folder, "ca.pem"), theirs.ca);
    const [c, d] = await Promise.all([next(), next()]);
    expect(c).toBe(d);
    expect(c).not.toBe(a);
  });
});

describe("what cannot be used is named", () => {
  for (const [title, section, message] of [
    [
      "a file that is missing",
      async () => ({ ca_file: join(folder, "none.pem") }),
      () => `The ca_file ${folder}/none.pem cannot be read (ENOENT).`,
    ],
    ["a folder", async () => ({ ca_file: folder }), () => `The ca_file ${folder} is not a file.`],
    [
      "a device that never ends",
      async () => ({ ca_file: "/dev/zero" }),
      () => "The ca_file /dev/zero is not a file.",
    ],
    [
      "a file that is too large",
      async () => ({ ca_file: await written("ca.pem", "x".repeat(1_048_577)) }),
      () => `The ca_file ${folder}/ca.pem is too large: it may have 1 MiB.`,
    ],
    [
      "a file without a certificate",
      async () => ({ ca_file: await written("ca.pem", client.key) }),
      () =>
        `The ca_file ${folder}/ca.pem has no certificate; it must have a part that begins with -----BEGIN CERTIFICATE-----.`,
    ],
    [
      "a damaged certificate",
      async () => ({ ca_pem: `${ours.ca}${theirs.ca.replace(/\r\nMII/, "\nAAA")}` }),
      () => "Certificate 2 of the ca_pem cannot be read.",
    ],
    [
      "a key of another certificate",
      async () => ({ cert_pem: client.cert, key_pem: server.key }),
      () => "The key_pem for the cert_pem does not belong to it.",
    ],
    [
      "a key that is no key",
      async () => ({ cert_pem: client.cert, key_pem: "topsecret" }),
      () => "The key_pem for the cert_pem has no private key that can be read.",
    ],
    [
      "a certificate that is a key",
      async () => ({ cert_pem: client.key, key_pem: client.key }),
      () =>
        "The cert_pem has no certificate; it must have a part that begins with -----BEGIN CERTIFICATE-----.",
    ],
    [
      "a key with a passphrase",
      async () => ({ cert_pem: client.cert, key_pem: withPassphrase(client.key) }),
      () => "The key_pem for the cert_pem has a passphrase; use a key without one.",
    ],
  ] as const) {
    test(title, async () => {
      const { next } = loader(await section());
      await expect(next()).rejects.toThrow(new Error(message()));
    });
  }

  test("a first failure is not the last word", async () => {
    const path = join(folder, "ca.pem");
    const { next } = loader({ ca_file: path });
    await expect(next()).rejects.toThrow("ENOENT");
    await writeFile(path, ours.ca);
    expect((await next()).rejectUnauthorized).toBe(true);
  });
});

function withPassphrase(key: string): string {
  const exported = createPrivateKey(key).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  });
  return exported.toString();
}
